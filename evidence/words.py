"""How people write what was found: times, disguises, and names that cannot act on the reader's screen."""

import math

from evidence.answer import Json, printable

FRAMED = 0.12  # of the original's size by which a frame must differ from it for that to be told

_LARGE = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1e3, ",000"), (1, ""))
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def harmless(text: str) -> str:
    """The text with control characters spelt out: criminals choose the names, and terminals obey them."""
    if text.isprintable():  # nearly all of them
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in printable(text))


def clock(seconds: float) -> str:
    """Seconds as people write them: 61.2 is "1:01.2"."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def gigabytes(size: float) -> str:
    """Bytes as people write them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def counted(number: int, noun: str) -> str:
    """Such as "1 work", "2 works"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def stream(segment: Json) -> str:
    """Such as "video", "audio", "audio, track 2"."""
    return str(segment["kind"]) + (f", track {segment['track']}" if segment.get("track") else "")


def disguise(segment: Json) -> str:
    """A segment's disguise in words."""
    words = []
    found = segment["disguise"]
    if found["mirror"]:
        words.append("mirrored")
    if found.get("rotation"):
        words.append(f"turned by {found['rotation']}°")
    if found["crop"]:
        words += _framing(*found["crop"][2:])
    if abs(segment["time_scale"] - 1) >= _least_change(segment):
        words.append(f"{segment['time_scale']:.2f}x speed")
    if abs(found["pitch"]) >= 0.2:
        words.append(f"pitch {found['pitch']:+.1f} semitones")
    return ", ".join(words) or "none found"


def _framing(width: float, height: float) -> list[str]:
    """How much of the original the frame shows, along both sides, or how small the original is shown in it."""
    words = []
    if min(width, height) <= 1 - FRAMED:
        words.append(f"cropped to {min(width, 1):.0%} by {min(height, 1):.0%}")
    if max(width, height) >= 1 + FRAMED:
        words.append(f"shown in {1 / max(width, 1):.0%} by {1 / max(height, 1):.0%} of the frame")
    return words


def _least_change(segment: Json) -> float:
    """The change of speed that is told: of pictures a smaller one is no finding, for they lie far apart."""
    blur = {"video": 0.2}.get(segment["kind"], 0.0)  # seconds
    return float(max(0.005, blur / max(1.0, segment["query_end"] - segment["query_start"])))


def chance(expected: float) -> str:
    """Expected false matches as people weigh them: 3e-12 is "1 in 300 billion"."""
    if expected >= 0.1:
        return f"{expected:.1g} by chance alone"
    rarity = 1 / max(expected, 1e-300)
    if rarity >= 1e15:
        return f"less than 1 in 10{str(int(math.log10(rarity))).translate(_RAISED)}"
    scale, word = next((s, w) for s, w in _LARGE if rarity >= s)
    return f"1 in {float(f'{rarity / scale:.1g}'):g}{word}"
