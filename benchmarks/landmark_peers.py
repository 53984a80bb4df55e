"""Open peers with an index and a matcher of their own: landmarks of a sound, counted where they agree on a place of a file.

No package index has them: variables of the environment name the folders where they lie. Each is run by its own command line
with one index of all registered files, and the score of a query and a file is the number of landmarks they share in the
likeliest place.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.corpus import Title
from benchmarks.peers import NOTHING, Answers, Found, Note, PeerError, lacking, printed
from benchmarks.truth import Truth

Ranked = list[tuple[int, int]]  # registered files' numbers and their counts of landmarks, likeliest first
Search = Callable[[Path, list[Path], list[Path], Path], Iterator[Ranked | None]]

# More landmarks than audfprint makes unasked, for with those it finds less; and times of up to 25 minutes.
DENSE = ["--density", "100", "--fanout", "10", "--maxtimebits", "16"]
ASKED = ["--search-depth", "1000", "--max-matches", "1000"]  # every file that has enough landmarks in common
PANAKO = "build/libs/panako-2.1-all.jar"
SAMPLES = ["-vn", "-ac", "1", "-ar", "16000", "-f", "f32le"]  # what Olaf hears, as options of FFmpeg

# Panako's own algorithm, asked for all that is alike: of its limits the shortest match is longer than most queries, and
# copies are faster, slower, higher and lower than it looks for unasked.
RELAXED = ["STRATEGY=PANAKO", "PANAKO_MIN_MATCH_DURATION=1", "PANAKO_MIN_HITS_UNFILTERED=5", "PANAKO_MIN_HITS_FILTERED=3",
           "PANAKO_MIN_TIME_FACTOR=0.7", "PANAKO_MAX_TIME_FACTOR=1.4", "PANAKO_MIN_FREQ_FACTOR=0.7",
           "PANAKO_MAX_FREQ_FACTOR=1.4"]  # fmt: skip
# What LMDB for Java needs of Java 17.
OPENED = ["--add-opens=java.base/java.nio=ALL-UNNAMED", "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"]

_MATCHED = re.compile(
    r"Matched (?P<query>.+) [\d.]+ sec \d+ raw hashes as (?P<file>.+) at +-?[\d.]+ s"
    r" with +(?P<count>\d+) of +\d+ common hashes at rank +\d+"
)
_NO_MATCH = re.compile(r"NOMATCH (?P<query>.+) [\d.]+ sec \d+ raw hashes")
_UNREAD = re.compile(r"wavfile2peaks: Error reading (?P<query>.+) skipping")
_STORED = re.compile(r"\d+; \d+; (?P<name>.+); [\d:]+; [\d.]+ \w+; [\d.]+")
_QUERIED = re.compile(
    r"\d+ ; \d+ ; (?P<query>.+) ; [\d.]+ ; [\d.]+ ; (?P<file>.+) ; \w+ ; [\d.-]+ ; [\d.-]+ ; (?P<count>-?\d+) ; .*"
)
_COUNTED = re.compile(r"(?P<count>\d+), [\d.-]+, [\d.-]+, (?P<file>\d*), \d+, [\d.-]+, [\d.-]+")


def audfprint(
    checkout: Path, references: list[Path], queries: list[Path], scratch: Path
) -> Iterator[Ranked | None]:
    """One run for the index and one for all queries: the index is large, and is read anew by each."""
    command = ["env", "OMP_NUM_THREADS=1", sys.executable, str(checkout / "audfprint.py")]
    same = [*DENSE, "--dbase", str(scratch / "index.pklz"), "--list"]
    listed = {"new": references, "match": queries}
    for name, paths in listed.items():
        (scratch / name).write_text("".join(f"{path}\n" for path in paths))
    printed([*command, "new", *same, str(scratch / "new")])
    told = printed([*command, "match", *same, *ASKED, "--continue-on-error", str(scratch / "match")])
    yield from audfprint_answers(told, references, queries)


def audfprint_answers(told: str, references: list[Path], queries: list[Path]) -> Iterator[Ranked | None]:
    """What audfprint printed of each query. Raises PeerError where it printed nothing of one."""
    numbers = {str(path): number for number, path in enumerate(references)}
    ranked: dict[str, Ranked] = {}
    unread = set[str]()
    for line in told.splitlines():
        if matched := _MATCHED.fullmatch(line):
            ranked.setdefault(matched["query"], []).append((numbers[matched["file"]], int(matched["count"])))
        elif none := _NO_MATCH.fullmatch(line):
            ranked[none["query"]] = []
        elif failed := _UNREAD.fullmatch(line):
            unread.add(failed["query"])
    for query in map(str, queries):
        if query not in ranked:
            raise PeerError(f"audfprint printed nothing of {query}")
        yield None if query in unread else ranked[query]


def olaf(
    checkout: Path, references: list[Path], queries: list[Path], scratch: Path
) -> Iterator[Ranked | None]:
    """A run for each file: what it prints does not say which query it is of."""
    (scratch / ".olaf" / "db").mkdir(parents=True)
    for number, path in enumerate(references):
        _olaf(checkout, "store", path, str(number), scratch)
    for path in queries:
        try:
            told = _olaf(checkout, "query", path, "query", scratch)
        except PeerError:
            yield None
        else:
            yield olaf_answer(told)


def _olaf(checkout: Path, task: str, path: Path, name: str, home: Path) -> str:
    """What Olaf prints of a file that it stores or looks for under a name."""
    samples = str(home / "samples.raw")
    printed(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", str(path), *SAMPLES, samples])
    return printed(["env", f"HOME={home}", str(checkout / "bin" / "olaf_core"), task, samples, name])


def olaf_answer(told: str) -> Ranked:
    """What Olaf printed of a query: a count of 0 says that it found nothing. Raises PeerError where it is anything else."""
    lines = [_COUNTED.fullmatch(line) for line in told.splitlines()]
    found = [(line["file"], int(line["count"])) for line in lines if line]
    if not found or len(found) < len(lines):
        raise PeerError(f"Olaf printed no answer: {told.strip()[-200:]!r}")
    return [(int(file), count) for file, count in found if count]


def panako(
    checkout: Path, references: list[Path], queries: list[Path], scratch: Path
) -> Iterator[Ranked | None]:
    """One run for the index, which lies in the folder of its user, and one for all queries."""
    command = ["java", *OPENED, f"-Duser.home={scratch}", "-jar", str(checkout / PANAKO)]
    listed = {"store": references, "query": queries}
    for task, paths in listed.items():
        (scratch / f"{task}.txt").write_text("".join(f"{path}\n" for path in paths))
    told = printed([*command, "store", *RELAXED, str(scratch / "store.txt")])
    stored = {line["name"] for line in map(_STORED.fullmatch, told.splitlines()) if line}
    if lost := [path.name for path in references if path.name not in stored]:
        raise PeerError(f"Panako did not store {', '.join(lost)}")
    yield from panako_answers(
        printed([*command, "query", *RELAXED, str(scratch / "query.txt")]), references, queries
    )


def panako_answers(told: str, references: list[Path], queries: list[Path]) -> Iterator[Ranked | None]:
    """What Panako printed of each query, of one that it did not read nothing. Raises PeerError where it printed nothing."""
    numbers = {str(path): number for number, path in enumerate(references)}
    ranked: dict[str, Ranked] = {}
    for line in map(_QUERIED.fullmatch, told.splitlines()):
        if line:
            found = [(numbers[line["file"]], int(line["count"]))] if line["file"] != "null" else []
            ranked.setdefault(line["query"], []).extend(found)
    if not ranked:
        raise PeerError(f"Panako printed no answer: {told.strip()[-200:]!r}")
    for query in map(str, queries):
        yield ranked.get(query)


@dataclass(frozen=True, slots=True)
class LandmarkPeer:
    """How a peer finds queries among registered files, and what it needs to be there.

    search    takes its folder, registered files, queries and an empty folder; gives the files that it finds for each query,
              None where it could not read the query
    variable  names the folder where it lies
    program   the file in it that is run
    modules   that it imports
    install   how to get it
    """

    search: Search
    variable: str
    program: str
    install: str
    modules: tuple[str, ...] = ()
    kind: str = field(default="audio", init=False)

    @property
    def checkout(self) -> Path:
        """The folder where it lies, if it is not missing."""
        return Path(os.environ[self.variable])

    @property
    def missing(self) -> str:
        """Why it cannot be measured here; empty where it can."""
        place = os.environ.get(self.variable)
        if not place:
            return f"{self.variable} names no folder of it: {self.install}"
        if not (Path(place) / self.program).is_file():
            return f"{place} has no {self.program}: {self.install}"
        return lacking(["ffmpeg"], self.modules, self.install)


LANDMARK_PEERS = {
    "audfprint": LandmarkPeer(
        audfprint,
        "WHORL_AUDFPRINT",
        "audfprint.py",
        "clone github.com/dpwe/audfprint; pip install docopt joblib psutil; on Debian, apt install ffmpeg",
        ("docopt", "joblib", "psutil", "scipy"),
    ),
    "olaf": LandmarkPeer(
        olaf,
        "WHORL_OLAF",
        "bin/olaf_core",
        "clone github.com/JorenSix/Olaf and make compile_core there; on Debian, apt install ffmpeg",
    ),
    "panako": LandmarkPeer(
        panako,
        "WHORL_PANAKO",
        PANAKO,
        "clone github.com/JorenSix/Panako and ./gradlew shadowJar there; on Debian, apt install ffmpeg default-jre",
    ),
}


def made_by(name: str) -> bytes:
    """What a peer's answers depend on, beside the files: Olaf's settings are compiled into its program."""
    peer = LANDMARK_PEERS[name]
    return Path(__file__).read_bytes() + (peer.checkout / peer.program).read_bytes()


def answers(
    name: str, files: list[Title], media: Path, folder: Path, truths: list[Truth], note: Note
) -> Answers:
    """For each query the likeliest file and its count; None where the peer could not read the query."""
    peer = LANDMARK_PEERS[name]
    found: Answers = {}
    note(f"{name}: {len(files)} registered files")
    with TemporaryDirectory() as scratch:
        queries = [folder / truth.query for truth in truths]
        told = peer.search(peer.checkout, [media / title.file for title in files], queries, Path(scratch))
        for number, (truth, ranked) in enumerate(zip(truths, told, strict=True), 1):
            found[truth.query] = None if ranked is None else _likeliest(ranked, files, truth.series)
            note(f"{name}: {number} of {len(truths)} queries")
    return found


def _likeliest(ranked: Ranked, files: list[Title], series: str) -> Found:
    """The first that is not of the series: a stranger is not compared with its own."""
    for number, count in ranked:
        if not series or files[number].source != series:
            return files[number].file, float(count)
    return NOTHING
