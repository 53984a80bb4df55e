"""Renders the queries of the benchmark: excerpts of titles, disguised, in files as a suspect would have them.

Everything is drawn from names, so the same recipe gives the same queries; they are kept in a cache folder and
rendered again when the recipe has changed.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import platformdirs

from benchmarks import renders
from benchmarks.attacks import ATTACKS, AUDIO, VIDEO, AudioAttack, VideoAttack
from benchmarks.audio_attacks import RATE, Sound
from benchmarks.corpus import Title, draw, originals, strangers, titles
from benchmarks.files import read_pictures, read_sound, write_mp4, write_opus, write_wav
from benchmarks.video_attacks import Picture

LINES = 360  # of the pictures before the attack
SHORTEST = 4.0  # seconds: of an original of which an excerpt is asked for
MANY, FEW = 24, 10  # titles on which required attacks are measured, and all others
LENGTHS = {"audio": (10.0, 5.0), "video": (5.0,)}
CLEAN = 10.0  # seconds of clean excerpts of moving pictures
PARTS, PART = 20, 30.0  # of the compilation: number, seconds each
RENDERED = 12  # rendered strangers of each sort of sound; of pictures half as many
RECIPE = ("attacks", "audio_attacks", "video_attacks", "files", "queries", "renders")

Pictures = list[tuple[float, Picture]]


@dataclass(frozen=True, slots=True)
class Truth:
    """One stretch of a query that is a stretch of a reference; a stranger has an empty reference and zeros.

    query      file name in the cache folder; a compilation has a row for each part
    reference  path of the original inside the media folder
    group      what the query is for: an attack, "compilation", or the sort of stranger
    length     seconds that were asked for; a short title gives less
    Times are in seconds; ``ref = time_scale * query + offset``.
    """

    query: str
    kind: str
    group: str
    length: float
    reference: str = ""
    query_start: float = 0.0
    query_end: float = 0.0
    ref_start: float = 0.0
    ref_end: float = 0.0
    time_scale: float = 1.0


def default_cache() -> Path:
    """The platform's cache folder of the benchmark."""
    return platformdirs.user_cache_path("whorl") / "benchmarks"


def recipe(media: Path) -> str:
    """What the queries depend on, as a short digest: the code that renders them, and the split."""
    code = b"".join(Path(__file__).with_name(f"{module}.py").read_bytes() for module in RECIPE)
    split = [
        [title.file for title in part(titles(media), kind)]
        for part in (originals, strangers)
        for kind in ("audio", "video")
    ]
    return hashlib.sha256(code + repr(split).encode()).hexdigest()[:12]


def queries(media: Path, cache: Path, note: Callable[[str], None]) -> tuple[Path, list[Truth]]:
    """The folder that holds the queries, rendered if need be, and their truths."""
    folder = cache / f"queries-{recipe(media)}"
    table = folder / "truth.csv"
    if not table.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_table(table, list(_rendered(media, folder, note)))
    with table.open(newline="") as file:
        return folder, [_truth(row) for row in csv.DictReader(file)]


def _write_table(table: Path, truths: list[Truth]) -> None:
    """Written whole or not at all, for it says that all queries are there."""
    unfinished = table.with_suffix(".part")
    with unfinished.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Truth)])
        writer.writeheader()
        writer.writerows(asdict(truth) for truth in truths)
    unfinished.replace(table)


def _truth(row: dict[str, str]) -> Truth:
    numbers = {field.name: float(row[field.name]) for field in fields(Truth) if field.type is float}
    texts = {name: text for name, text in row.items() if name not in numbers}
    return Truth(**texts, **numbers)  # type: ignore[arg-type]  # each value has the type of its field


def _rendered(media: Path, folder: Path, note: Callable[[str], None]) -> Iterator[Truth]:
    everything = titles(media)
    for kind, copies in (("audio", _audio_copies), ("video", _video_copies)):
        chosen = [t for t in originals(everything, kind) if t.seconds >= SHORTEST]
        chosen = sorted(chosen, key=lambda t: draw(t.file + "choice"))
        for number, title in enumerate(chosen):
            note(f"{kind} copies of {number + 1} of {len(chosen)} titles")
            yield from copies(media, folder, title, number)
    note("strangers")
    yield from _audio_strangers(media, folder, strangers(everything, "audio"))
    yield from _video_strangers(media, folder, strangers(everything, "video"))
    note("compilation")
    yield from _compilation(media, folder, originals(everything, "audio"))


def seeded(*names: object) -> np.random.Generator:
    """A random generator fixed by names."""
    return np.random.default_rng(draw("|".join(map(str, names))))


def _excerpt(sound: Sound, seconds: float, rng: np.random.Generator) -> tuple[float, Sound]:
    """Where it begins, and an excerpt: of eight places the first that is not silent: silence is no work."""
    size = min(int(seconds * RATE), len(sound))
    places = rng.uniform(0, len(sound) - size + 1e-9, 8)
    heard = [p for p in places if np.std(sound[int(p) : int(p) + size]) > 0.003]
    begin = int(heard[0] if heard else places[0])
    return begin / RATE, sound[begin : begin + size]


def _wanted(name: str, number: int) -> bool:
    """Whether an attack is measured on the title of this number: the clean copy on all titles."""
    return number < (MANY if ATTACKS[name].required else FEW) or name.endswith("-none")


def _audio_copies(media: Path, folder: Path, title: Title, number: int) -> Iterator[Truth]:
    sound = read_sound(media / title.file)
    for length in LENGTHS["audio"]:
        start, excerpt = _excerpt(sound, length, seeded(title.file, length))
        seconds = len(excerpt) / RATE
        for name, attack in AUDIO.items():
            if _wanted(name, number):
                copy = attack.change(excerpt, seeded(title.file, length, name))
                file = _write_sound(folder, f"{name}-{length:g}-{Path(title.file).stem}", copy, attack)
                yield Truth(file, "audio", name, length, title.file, 0.0, seconds / attack.time_scale, start,
                            start + seconds, attack.time_scale)  # fmt: skip


def _write_sound(folder: Path, stem: str, sound: Sound, attack: AudioAttack) -> str:
    file = f"{stem}.{attack.codec}"
    if attack.codec == "opus":
        write_opus(folder / file, sound, attack.bit_rate)
    else:
        write_wav(folder / file, sound)
    return file


def _video_copies(media: Path, folder: Path, title: Title, number: int) -> Iterator[Truth]:
    for length in LENGTHS["video"]:
        shown = _shown(media, title, length, length)
        for name in VIDEO:
            if _wanted(name, number):
                yield _video_copy(folder, title, shown, length, name)
    if title.seconds >= CLEAN:
        yield _video_copy(folder, title, _shown(media, title, CLEAN, CLEAN), CLEAN, "video-none")


def _shown(media: Path, title: Title, length: float, name: object) -> Pictures:
    """An excerpt of a seeded place; of a title that is no longer, all of it."""
    start = float(seeded(title.file, name).uniform(0, max(0.0, title.seconds - length - 0.1)))
    return read_pictures(media / title.file, LINES, start, start + length)


def _video_copy(folder: Path, title: Title, shown: Pictures, length: float, name: str) -> Truth:
    attack = VIDEO[name]
    start, seconds = shown[0][0], shown[-1][0] - shown[0][0]
    file = f"{name}-{length:g}-{Path(title.file).stem}.mp4"
    seed = draw(f"{title.file}|{length}|{name}")
    write_mp4(folder / file, disguised(shown, attack, seed), attack.crf)
    return Truth(file, "video", name, length, title.file, 0.0, seconds / attack.time_scale, start,
                 start + seconds, attack.time_scale)  # fmt: skip


def disguised(shown: Pictures, attack: VideoAttack, seed: int) -> Iterator[tuple[float, Picture]]:
    """The pictures of an excerpt after an attack, their times counted from 0."""
    last = -1
    for time, picture in shown:
        since = time - shown[0][0]
        slot = int(since * attack.rate + 1e-6)
        if not attack.rate or slot > last:
            last = slot
            yield since / attack.time_scale, attack.change(picture, since, np.random.default_rng(seed))


def _audio_strangers(media: Path, folder: Path, chosen: Iterable[Title]) -> Iterator[Truth]:
    for title in chosen:
        sound = read_sound(media / title.file)
        for i in range(min(6, 1 + int(title.seconds / 15))):
            length = LENGTHS["audio"][i % 2]
            _, excerpt = _excerpt(sound, length, seeded(title.file, i))
            file = f"stranger-{i}-{Path(title.file).stem}.wav"
            write_wav(folder / file, excerpt)
            yield Truth(file, "audio", "stranger", length)
    for name, render in renders.SOUNDS.items():
        for i in range(RENDERED):
            length = LENGTHS["audio"][i % 2]
            write_wav(folder / f"{name}-{i}.wav", render(length, seeded(name, i)))
            yield Truth(f"{name}-{i}.wav", "audio", name, length)


def _video_strangers(media: Path, folder: Path, chosen: Iterable[Title]) -> Iterator[Truth]:
    for title in chosen:
        for i in range(2 if title.seconds >= 10 else 1):
            length = LENGTHS["video"][0]
            shown = _shown(media, title, length, i)
            file = f"stranger-{i}-{Path(title.file).stem}.mp4"
            write_mp4(folder / file, ((time - shown[0][0], picture) for time, picture in shown), 23)
            yield Truth(file, "video", "stranger", length)
    for name, render in renders.SCENES.items():
        for i in range(RENDERED // 2):
            length = LENGTHS["video"][0]
            write_mp4(folder / f"{name}-{i}.mp4", renders.shots(render(seeded(name, i)), length), 23)
            yield Truth(f"{name}-{i}.mp4", "video", name, length)


def _compilation(media: Path, folder: Path, chosen: Iterable[Title]) -> Iterator[Truth]:
    """Excerpts of many works one after the other, in one file."""
    long = sorted((t for t in chosen if t.seconds > PART + 1), key=lambda t: draw(t.file + "compilation"))
    parts: list[Sound] = []
    for i, title in enumerate(long[:PARTS]):
        start, excerpt = _excerpt(read_sound(media / title.file), PART, seeded(title.file, "compilation"))
        parts.append(excerpt)
        yield Truth("compilation.opus", "audio", "compilation", PARTS * PART, title.file, i * PART,
                    (i + 1) * PART, start, start + PART)  # fmt: skip
    write_opus(folder / "compilation.opus", np.concatenate(parts), 64000)
