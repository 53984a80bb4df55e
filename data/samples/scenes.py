"""Moving pictures, drawn: a scene is a function of a seed; it gives a function of seconds to a picture."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from data.samples.files import FPS, Picture

WIDTH, HEIGHT = 426, 240
Shot = Callable[[float], Picture]
Field = NDArray[np.float32]


def clouds(rng: np.random.Generator, height: int, width: int, rough: float = 0.55, coarse: int = 3) -> Field:
    """Fractal noise (height, width) in 0 to 1: octaves, each ``rough`` times as strong as the last."""
    total, strength = np.zeros((height, width), np.float32), 1.0
    for octave in range(7):
        cells = coarse * 2**octave
        grid = rng.random((cells, max(1, cells * width // height)), dtype=np.float32)
        total += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        strength *= rough
    return np.asarray((total - total.min()) / (total.max() - total.min()))


def paint(value: Field, *stops: tuple[int, int, int]) -> Picture:
    """A field in 0 to 1 as colours between the stops."""
    steps, places = np.linspace(0, 1, 256), np.linspace(0, 1, len(stops))
    table = np.stack([np.interp(steps, places, channel) for channel in zip(*stops, strict=True)], 1).astype(
        np.uint8
    )
    return np.asarray(table[(np.clip(value, 0, 1) * 255).astype(np.uint8)])


def _colours(rng: np.random.Generator, count: int) -> list[tuple[int, int, int]]:
    """Colours from dark to light."""
    light = np.linspace(25, 225, count)
    return [tuple(int(np.clip(v + rng.normal(0, 38), 0, 255)) for _ in range(3)) for v in light]  # type: ignore[misc]


def mountains(seed: int) -> Shot:
    """Ranges of textured hills under drifting clouds; the camera pans, near hills faster than far ones."""
    rng = np.random.default_rng(seed)
    pan, colours = float(rng.choice([-1, 1]) * rng.uniform(25, 45)), _colours(rng, 4)
    sky = paint(clouds(rng, HEIGHT, WIDTH * 2), *_colours(rng, 3)[1:])
    ground = [clouds(rng, HEIGHT, WIDTH * 3, 0.75, 6) for _ in range(4)]
    ridges = [clouds(rng, HEIGHT * 2, WIDTH * 3, 0.5, 2)[0] for _ in range(4)]

    def draw(t: float) -> Picture:
        picture = np.roll(sky, int(t * pan * 0.2), axis=1)[:, :WIDTH].copy()
        for depth, (ridge, texture) in enumerate(zip(ridges, ground, strict=True)):
            shift = int(WIDTH + t * pan * (0.4 + 0.5 * depth))
            top = HEIGHT * (0.2 + 0.17 * depth) + 130 * (np.roll(ridge, shift)[:WIDTH] - 0.5)
            hill = paint(0.15 * depth + 0.75 * np.roll(texture, shift, axis=1)[:, :WIDTH], *colours)
            below = np.arange(HEIGHT)[:, None] > top[None, :]
            picture[below] = hill[below]
        return picture

    return draw


def city(seed: int) -> Shot:
    """Rows of buildings with lit windows passing by at dusk, some windows switching while we watch."""
    rng = np.random.default_rng(seed)
    colours, speed = _colours(rng, 5), float(rng.uniform(20, 50))
    sky = paint(0.3 + 0.7 * clouds(rng, HEIGHT, WIDTH), *colours[::-1])
    rows = [_street(rng, 0.75 - 0.2 * depth, colours[depth + 1]) for depth in range(3)]

    def draw(t: float) -> Picture:
        picture = sky.copy()
        for depth, (street, phases) in enumerate(rows):
            shift = -int(t * speed * (0.5 + 0.6 * depth))
            part, phase = (np.roll(layer, shift, axis=1)[:, :WIDTH] for layer in (street, phases))
            lit = (phase > 0) & (np.sin(t * 0.9 + phase * 40) > -0.2)
            solid = part.any(axis=2)
            picture[solid] = part[solid]
            picture[lit] = (250, 220 - 30 * depth, 120 + 30 * depth)
        return picture

    return draw


def _street(rng: np.random.Generator, height: float, colour: tuple[int, int, int]) -> tuple[Picture, Field]:
    """A row of buildings, and for each pixel of a window the phase of its light."""
    walls, phases = np.zeros((HEIGHT, WIDTH * 2, 3), np.uint8), np.zeros((HEIGHT, WIDTH * 2), np.float32)
    grain, left = clouds(rng, HEIGHT, WIDTH * 2, 0.9, 12), 0
    while left < WIDTH * 2:
        width, tall = int(rng.integers(26, 70)), int(HEIGHT * height * rng.uniform(0.6, 1.5))
        top, shade = max(8, HEIGHT - tall), rng.uniform(0.4, 1.2)
        block = np.array(colour) * shade * (0.5 + grain[top:, left : left + width, None])
        walls[top:, left : left + width] = np.clip(block, 1, 255)
        across, down = int(rng.integers(6, 11)), int(rng.integers(8, 14))
        for y in range(top + 6, HEIGHT - down, down):
            for x in range(left + 4, min(left + width, WIDTH * 2) - across, across):
                phases[y : y + down // 2, x : x + across // 2] = rng.random() * (rng.random() < 0.6)
        left += width + int(rng.integers(0, 6))
    return walls, phases


def galaxy(seed: int) -> Shot:
    """Stars turning around a bright middle in front of a nebula, while the camera closes in."""
    rng = np.random.default_rng(seed)
    nebula = paint(clouds(rng, HEIGHT * 2, WIDTH * 2, 0.6) ** 1.5, (4, 4, 20), *_colours(rng, 3))
    radius, angle = rng.gamma(2, 45, 900) + 6, rng.uniform(0, 2 * np.pi, 900)
    arm, size, tint = angle // np.pi, rng.integers(0, 3, 900), rng.integers(120, 256, (900, 3))
    turn, tilt = float(rng.choice([-1, 1]) * rng.uniform(9, 16)), float(rng.uniform(0.4, 0.8))

    def draw(t: float) -> Picture:
        zoom = 1 + 0.06 * t
        picture = _window(nebula, WIDTH + 14 * t, HEIGHT + 5 * t, zoom)
        a = angle * 0.35 + arm * np.pi + radius / 40 + turn * t / np.sqrt(radius)
        xs, ys = WIDTH / 2 + zoom * radius * np.cos(a), HEIGHT / 2 + zoom * tilt * radius * np.sin(a)
        for x, y, r, colour in zip(xs.astype(int), ys.astype(int), size, tint, strict=True):
            cv2.circle(picture, (int(x), int(y)), int(r), colour.tolist(), -1)
        cv2.circle(picture, (WIDTH // 2, HEIGHT // 2), int(9 * zoom), (255, 250, 225), -1)
        return cv2.GaussianBlur(picture, (3, 3), 0.6).astype(np.uint8)

    return draw


def _window(picture: Picture, x: float, y: float, zoom: float) -> Picture:
    """The part of a picture around (x, y), in pixels, enlarged to a frame."""
    scale = np.array([[zoom, 0, WIDTH / 2 - zoom * x], [0, zoom, HEIGHT / 2 - zoom * y]])
    return cv2.warpAffine(picture, scale, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT).astype(np.uint8)


def flight(seed: int) -> Shot:
    """Low flight over hills: a height map seen in perspective, drawn from far to near column by column."""
    rng = np.random.default_rng(seed)
    size = 512
    quarter = clouds(rng, size // 2, size // 2, 0.45, 3)
    half = np.concatenate([quarter, quarter[:, ::-1]], axis=1)
    heights = np.concatenate([half, half[::-1]])  # so that it joins itself at every edge
    grain = clouds(rng, size, size, 0.85, 8)
    ground = paint(np.asarray(0.6 * heights + 0.6 * grain - 0.1, np.float32), *_colours(rng, 5))
    sky = paint(clouds(rng, HEIGHT, WIDTH), (120, 150, 200), (235, 235, 240))
    heading, columns = float(rng.uniform(0, 2 * np.pi)), np.linspace(-0.7, 0.7, WIDTH)

    def draw(t: float) -> Picture:
        picture, rows = sky.copy(), np.arange(HEIGHT)[:, None]
        course = heading + 0.25 * np.sin(0.6 * t)
        for distance in np.geomspace(260, 4, 90):
            x = 30 * t * np.cos(heading) + distance * (np.cos(course) - columns * np.sin(course))
            y = 30 * t * np.sin(heading) + distance * (np.sin(course) + columns * np.cos(course))
            at = (y.astype(int) % size, x.astype(int) % size)
            top = HEIGHT * 0.33 + (0.95 - heights[at]) * 60 * 90 / distance - 20
            haze = np.exp(-distance / 220)
            colour = (ground[at] * haze + np.array((185, 195, 215)) * (1 - haze)).astype(np.uint8)
            below = rows > top[None, :]
            picture = np.where(below[:, :, None], colour[None, :, :], picture)
        return picture

    return draw


def reef(seed: int) -> Shot:
    """Fish in flowing water: every fish has its own pattern, the light on the ground moves."""
    rng = np.random.default_rng(seed)
    bed = paint(clouds(rng, HEIGHT, WIDTH * 2, 0.8, 5), (5, 30, 50), (20, 110, 130), (190, 200, 150))
    light, fish = clouds(rng, HEIGHT * 2, WIDTH * 2, 0.5, 8), [_fish(rng) for _ in range(11)]
    start, speed = rng.uniform(0, WIDTH + 120, 11), rng.choice([-1, 1], 11) * rng.uniform(30, 90, 11)

    def draw(t: float) -> Picture:
        drift = int(12 * t)
        shine = light[drift : drift + HEIGHT, 2 * drift : 2 * drift + WIDTH]
        shine = 0.55 + 0.9 * np.abs(shine - light[HEIGHT - drift // 2 :][:HEIGHT, :WIDTH])
        picture: Picture = np.clip(bed[:, drift : drift + WIDTH] * shine[:, :, None], 0, 255).astype(np.uint8)
        for number, body in enumerate(fish):
            x = (start[number] + speed[number] * t) % (WIDTH + 120) - 120
            y = 12 + number * (HEIGHT - 60) / 11 + 10 * np.sin(t * 1.7 + number)
            _paste(picture, body if speed[number] > 0 else body[:, ::-1], int(x), int(y))
        return picture

    return draw


def _fish(rng: np.random.Generator) -> Picture:
    """A fish that swims to the right; black is where one sees through."""
    tall, long = int(rng.integers(18, 46)), int(rng.integers(50, 110))
    skin = paint(clouds(rng, tall, long, 0.7, 3) ** 1.3, *_colours(rng, 4))
    mask = np.zeros((tall, long), np.uint8)
    cv2.ellipse(mask, (int(long * 0.58), tall // 2), (int(long * 0.4), tall // 2 - 1), 0, 0, 360, 255, -1)
    cv2.fillPoly(mask, [np.array([[0, 0], [long // 3, tall // 2], [0, tall - 1]], np.int32)], 255)
    skin[mask == 0] = 0
    cv2.circle(skin, (int(long * 0.86), int(tall * 0.4)), 3, (250, 250, 250), -1)
    return skin


def _paste(picture: Picture, patch: Picture, x: int, y: int) -> None:
    left, top = max(0, x), max(0, y)
    right, bottom = min(WIDTH, x + patch.shape[1]), min(HEIGHT, y + patch.shape[0])
    if left < right and top < bottom:
        part = patch[top - y : bottom - y, left - x : right - x]
        solid = part.any(axis=2)
        picture[top:bottom, left:right][solid] = part[solid]


def blocks(seed: int) -> Shot:
    """Textured tiles that turn and drift in front of a woven cloth."""
    rng = np.random.default_rng(seed)
    grid_y, grid_x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    weave = np.sin(grid_x / rng.uniform(4, 9)) * np.sin(grid_y / rng.uniform(4, 9)) * 0.2
    cloth = paint(0.25 + weave + 0.6 * clouds(rng, HEIGHT, WIDTH), *_colours(rng, 3))
    tiles = [paint(clouds(rng, 80, 80, 0.8, int(rng.integers(2, 9))), *_colours(rng, 4)) for _ in range(9)]
    centre, drift = rng.uniform((0, 0), (WIDTH, HEIGHT), (9, 2)), rng.normal(0, 22, (9, 2))
    spin, size = rng.normal(0, 0.7, 9), rng.uniform(0.6, 1.7, 9)

    def draw(t: float) -> Picture:
        picture = cloth.copy()
        for tile, at, move, turn, scale in zip(tiles, centre, drift, spin, size, strict=True):
            x, y = (at + move * t) % (WIDTH, HEIGHT)
            matrix = cv2.getRotationMatrix2D((40, 40), float(np.degrees(turn * t)), float(scale))
            matrix[:, 2] += (x - 40, y - 40)
            part = cv2.warpAffine(tile, matrix, (WIDTH, HEIGHT))
            solid = cv2.warpAffine(np.full(tile.shape[:2], 255, np.uint8), matrix, (WIDTH, HEIGHT)) > 127
            picture[solid] = part[solid]
        return picture

    return draw


def title(seed: int, text: str) -> Shot:
    """A title that slowly comes closer on a cloudy ground."""
    rng = np.random.default_rng(seed)
    ground = paint(clouds(rng, HEIGHT * 2, WIDTH * 2, 0.6), *_colours(rng, 3))

    def draw(t: float) -> Picture:
        picture = _window(ground, WIDTH + 10 * t, HEIGHT, 1.1 + 0.04 * t)
        return write_on(picture, text, HEIGHT // 2, 1.2 + 0.04 * t)

    return draw


def write_on(picture: Picture, text: str, y: int, size: float) -> Picture:
    """The picture with a line of text in the middle at height ``y``, white with a dark edge."""
    (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, size, 2)
    for thickness, colour in ((6, (10, 10, 10)), (2, (245, 245, 245))):
        at = ((WIDTH - width) // 2, y)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_DUPLEX, size, colour, thickness, cv2.LINE_AA)
    return picture


def film(*shots: tuple[Shot, float]) -> Iterator[Picture]:
    """The shots one after another, each for so many seconds."""
    for draw, seconds in shots:
        for number in range(round(seconds * FPS)):
            yield draw(number / FPS)
