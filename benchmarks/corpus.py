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

import numpy as np

from training.split import held_out

_CROSS = "extreme-cross-embodiment_extreme-cross-embodiment.github.io__"
_CHAIR = "facebook__sample-videos__chair-"
_P5 = "processing_p5.js-website__assets_"
_RUN = "MoConVQ_MoConVQ.github.io__"
_GRAPHS = "concept-graphs-anon_concept-graphs-anon.github.io__"
_AVATAR = "arc2avatar_arc2avatar.github.io__"
_MIMIC = "genmimic_genmimic.github.io__"
_HAND = "Dex4D_Dex4D.github.io__"

# Moving pictures of the same recording, cut, coloured, overlaid or framed differently or shown beside others, found by
# comparing the frames of all pairs, and what scores highest of those of a series, and then looking at them: to find one
# for another is no mistake.
_SAME_PICTURES = (
    ("AlbertGubau__big_buck_bunny_60s", "Vaufreyd__big-buck-bunny_trailer"),
    (f"{_CROSS}novel_cluttered_compressed", f"{_CROSS}novel_cluttered_novel_cluttered_battery"),
    (f"{_CROSS}shelf_manip_compressed", f"{_CROSS}shelf_manip_shelf_manip"),
    (f"{_CROSS}toy_kitchen_compressed", f"{_CROSS}toy_kitchen_toy_kitchen_strawberry"),
    (f"{_CHAIR}19-sd-bar", f"{_CHAIR}20-sd-bar", f"{_CHAIR}22-sd-grey-bar", f"{_CHAIR}22-sd-sepia-bar",
     f"{_CHAIR}22-with-large-logo-bar", f"{_CHAIR}22-with-small-logo-bar", f"{_CHAIR}orig-22-sd-bar"),
    ("talmolab__videos__small_robot", f"{_P5}small", f"{_P5}small_da946d"),
    (f"{_P5}fingers", f"{_P5}fingers_8fb81c"),
    (f"{_AVATAR}overview", f"{_AVATAR}overview_speed", f"{_AVATAR}jackman"),
    (f"{_MIMIC}teaser", f"{_MIMIC}teaser_v2", f"{_MIMIC}genmimic_videos_turn_around_point_forward_and_fold_arms"),
    ("cjeen_BraceletPaper__3", "cjeen_BraceletPaper__4"),
    ("cjeen_BraceletPaper__5", "cjeen_BraceletPaper__6"),
    (f"{_RUN}a_person_is_running_away", f"{_RUN}a_person_is_running_away_Trim"),
    (f"{_GRAPHS}nasa-both", f"{_GRAPHS}nasa-clip", f"{_GRAPHS}nasa-gpt"),
    (f"{_GRAPHS}jackal_visual_mj", f"{_GRAPHS}michael_jordan_image"),
    *((f"{_HAND}teaser", f"{_HAND}generalization_{part}")
      for part in ("bg_camera", "distractors", "obj_task", "perturbation")),
    (f"{_HAND}overview", f"{_HAND}task-agnostic"),
    (f"{_HAND}videogen_track", f"{_HAND}videogen_generated_video"),
    ("biigle__videos__creating_annotations_5", "biigle__videos__creating_annotations_8"),
)  # fmt: skip

SAME = tuple(frozenset(f"video/{stem}.mp4" for stem in group) for group in _SAME_PICTURES)

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
    """

    file: str
    kind: str
    source: str
    seconds: float

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


def seeded(*names: object) -> np.random.Generator:
    """A random generator fixed by names."""
    return np.random.default_rng(draw("|".join(map(str, names))))


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
        listed = [Title(r["file"], r["kind"], r["repo"], float(r["seconds"])) for r in rows]
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


def interfering(all_titles: list[Title], what: str, source: str) -> list[Title]:
    """Recordings of "speech" or "music" that are in no catalog, nor of this source: to be heard over a copy."""
    others = [title for title in strangers(all_titles, "audio") if title.source != source]
    return [title for title in others if (SPEECH in title.source) == (what == "speech")]


def originals(all_titles: list[Title], kind: str) -> list[Title]:
    """The registered titles of one kind that no model was trained on: copies are made of these."""
    return [title for title in registered(all_titles) if title.kind == kind and title.held_out]
