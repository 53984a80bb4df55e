"""Which titles of the media are registered, and which are strangers that no search may find.

Figures are taken on sources that no model was trained on (``training.split``). Of their titles some three
in five are registered and the rest are strangers, by the hash of the file name. Titles of all other sources
are registered as distractors.
"""

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from training.split import held_out

# Titles that hold the same recording, as found by comparing all pairs: finding one for another is no mistake.
SAME: tuple[frozenset[str], ...] = ()

# The one large source of speech is not held out, so the sound model has heard it; but nothing else in the
# media shows how speech behaves as a stranger.
SPEECH = "librivox"


@dataclass(frozen=True, slots=True)
class Title:
    """A file of the media.

    file     path inside the media folder
    kind     "audio" or "video"
    source   where it comes from: what is held out is held out by source
    seconds  its duration
    sounds   whether it has an audio stream
    """

    file: str
    kind: str
    source: str
    seconds: float
    sounds: bool

    @property
    def held_out(self) -> bool:
        """Whether no model was trained on it."""
        return held_out(self.kind, self.source)

    @property
    def stranger(self) -> bool:
        """Whether it is left out of the catalog."""
        if self.kind == "audio" and SPEECH in self.source:
            return draw(self.file) % 5 == 0
        return self.held_out and draw(self.file) % 5 >= 3


def draw(text: str) -> int:
    """A number fixed by the text alone."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def media_folder() -> Path:
    """The folder of media: WHORL_MEDIA, else ``../shared/media`` beside the repository.

    Raises FileNotFoundError when it holds no MANIFEST.csv.
    """
    folder = Path(os.environ.get("WHORL_MEDIA") or Path(__file__).parents[2] / "shared" / "media")
    if not (folder / "MANIFEST.csv").is_file():
        raise FileNotFoundError(f"{folder} has no MANIFEST.csv: set WHORL_MEDIA to the folder of media")
    return folder


def titles(folder: Path) -> list[Title]:
    """All titles that MANIFEST.csv lists, in its order, each once."""
    with (folder / "MANIFEST.csv").open(newline="") as manifest:
        rows = csv.DictReader(manifest)
        listed = [
            Title(r["file"], r["kind"], r["repo"], float(r["seconds"]), bool(r["acodec"])) for r in rows
        ]
    return list(dict.fromkeys(listed))


def same(one: str, other: str) -> bool:
    """Whether two files hold the same recording."""
    return one == other or any(one in group and other in group for group in SAME)


def registered(all_titles: list[Title]) -> list[Title]:
    """The catalog: every title but the strangers and their twins."""
    strangers = {title.file for title in all_titles if title.stranger}
    return [title for title in all_titles if not any(same(title.file, stranger) for stranger in strangers)]


def strangers(all_titles: list[Title], kind: str) -> list[Title]:
    """The titles of one kind that are not registered."""
    return [title for title in all_titles if title.kind == kind and title.stranger]


def originals(all_titles: list[Title], kind: str) -> list[Title]:
    """The registered titles of one kind that no model was trained on: copies are made of these."""
    return [title for title in registered(all_titles) if title.kind == kind and title.held_out]
