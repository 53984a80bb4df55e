"""How people write what was found: times, disguises, and names that cannot act on the reader's screen."""

from evidence.answer import Json, printable

SURROUNDED = 1.1  # of the original's size, from which a frame is told to show more than the original


def harmless(text: str) -> str:
    """The text with control characters spelt out: criminals choose the names, and terminals obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in printable(text))


def clock(seconds: float) -> str:
    """Seconds as people write them: 61.2 is "1:01.2"."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def disguise(segment: Json) -> str:
    """A segment's disguise in words."""
    words = []
    found = segment["disguise"]
    if found["mirror"]:
        words.append("mirrored")
    if found.get("rotation"):
        words.append(f"turned by {found['rotation']}°")
    if found["crop"] and max(found["crop"][2:]) >= SURROUNDED:
        words.append(f"shown at {1 / found['crop'][2]:.0%} by {1 / found['crop'][3]:.0%} of the frame")
    if abs(segment["time_scale"] - 1) >= _least_change(segment):
        words.append(f"{segment['time_scale']:.2f}x speed")
    if abs(found["pitch"]) >= 0.2:
        words.append(f"pitch {found['pitch']:+.1f} semitones")
    return ", ".join(words) or "none found"


def _least_change(segment: Json) -> float:
    """The change of speed that is told: pictures lie so far apart that a smaller one is no finding."""
    blur = {"video": 0.25}.get(segment["kind"], 0.0)  # seconds
    return float(max(0.005, blur / max(1.0, segment["query_end"] - segment["query_start"])))
