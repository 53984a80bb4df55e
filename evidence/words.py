"""How people write what was found: times, disguises, and names that cannot act on the reader's screen."""

from evidence.answer import Json, printable


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
    if segment["disguise"]["mirror"]:
        words.append("mirrored")
    if segment["disguise"]["crop"]:
        words.append("cropped")
    if abs(segment["time_scale"] - 1) >= _least_change(segment):
        words.append(f"{segment['time_scale']:.2f}x speed")
    if abs(segment["disguise"]["pitch"]) >= 0.2:
        words.append(f"pitch {segment['disguise']['pitch']:+.1f} semitones")
    return ", ".join(words) or "none found"


def _least_change(segment: Json) -> float:
    """The change of speed that is told: pictures lie so far apart that a smaller one is no finding."""
    blur = {"video": 0.25}.get(segment["kind"], 0.0)  # seconds
    return float(max(0.005, blur / max(1.0, segment["query_end"] - segment["query_start"])))
