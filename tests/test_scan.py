"""A seized drive: found by content, examined once, gone on with after a kill, and told in full."""

import csv
import gzip
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner, Result

from evidence.answer import Json
from evidence.report import Sources
from fingerprint.media import Limits, MediaError, content
from matching.engine import Engine
from service.cli import app
from service.examining import Examine, Identify, identified
from service.journal import Examined, Identity
from service.known import KnownFiles
from service.scan import Result as Found
from service.scan import Scan, Tally, journal
from service.scanning import Results, told, totals
from service.walk import Entry, walk
from service.workers import Handler, Workers
from tests.render import film, sound_file

MATCH = {"path", "query", "status", "error", "elapsed", "matches", "engine"}


def whorl(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def media(path: Path, text: str) -> Path:
    """A file that passes for media by its first bytes, and that only the examiner below reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"OggS\0" + text.encode())
    return path


def examiner(log: Path) -> Handler:
    """Identifies as it is done; examines nothing, but notes what it was asked, and does what a file's text says."""

    def handle(job: Any, tell: Callable[[float], None]) -> Identity | Examined:
        if isinstance(job, Identify):
            return identified(job, tell)
        assert isinstance(job, Examine)
        with log.open("a") as file:
            file.write(f"{job.entry.path.name} {'in full' if job.thorough else 'at a glance'}\n")
        text = job.entry.path.read_bytes()
        if b"crash" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"hang" in text:
            time.sleep(60)
        if b"corrupt" in text:
            raise MediaError("corrupt", job.entry.path.name, "holds nothing that can be decoded")
        if b"fails at first" in text and len(log.read_text().splitlines()) == 1:
            raise MediaError("changed", job.entry.path.name, "was changed")
        query = {"name": job.entry.path.name, "sha256": job.sha256, "duration": 1.0, "kinds": ["audio"]}
        answer: Json = {"query": query, "status": "no-match", "error": None, "elapsed": 0.1, "matches": []}
        return Examined({**answer, "engine": {"version": "1", "algorithms": []}}, job.thorough)

    return handle


class Drive:
    """A folder, scanned by the examiner above."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.log = folder / "drive", folder / "data", folder / "log"
        self.folder.mkdir()
        self.tally = Tally()

    def scan(self, thorough: bool = False, known: KnownFiles | None = None) -> dict[str, Found]:
        """What is told of each file, by its name."""
        found: dict[str, Found] = {}
        with (
            Engine(self.data) as engine,
            journal(self.data, engine, Limits()) as remembered,
            Workers(2, examiner, self.log, 4.0) as workers,
        ):
            run = Scan(workers, remembered, known or KnownFiles(), thorough, engine,
                       lambda result: found.update({result.path.name: result}))  # fmt: skip
            self.tally = run.tally
            run.run(walk([self.folder]), lambda _: None)
        return found

    def examined(self) -> list[str]:
        """What was examined since this was last asked."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return sorted(lines)


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    return Drive(tmp_path)


def test_media_are_known_by_content_and_not_by_name(drive: Drive) -> None:
    media(drive.folder / "letter.doc", "song")
    (drive.folder / "film.mp4").write_text("Dear reader, this is no film.")
    (drive.folder / "nothing.mp4").write_bytes(b"")
    (drive.folder / "photo").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (drive.folder / "list").write_text("#EXTM3U\nsong.mp3\n")
    assert set(drive.scan()) == {"letter.doc", "film.mp4", "nothing.mp4"}
    assert (drive.tally.files, drive.tally.examined, drive.tally.pictures, drive.tally.lists) == (5, 2, 1, 1)


def test_what_is_named_as_media_and_is_none_is_told(seized: Path) -> None:
    for path in list(seized.rglob("*")):
        if path.is_file():
            path.unlink()
    (seized / "song.mp3").write_text("Dear reader, this is no song.")
    (seized / "page.mp4").write_text("<html><body>Not found</body></html>")
    (seized / "list.mkv").write_text("#EXTM3U\nsong.mp3\n")
    (seized / "zeros.avi").write_bytes(bytes(999))
    (seized / "empty.mkv").write_bytes(b"")
    (seized / "empty.txt").write_bytes(b"")
    done = whorl("scan", seized, "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(a["path"]).name: a["error"]["code"] for a in answers} == {
        "song.mp3": "not-media", "page.mp4": "not-media", "list.mkv": "refused-format", "zeros.avi": "not-media",
        "empty.mkv": "empty",
    }  # fmt: skip
    assert done.exit_code == 1 and "5 not examined" in done.stderr and "0 examined" in done.stderr


def test_archives_are_told_and_not_opened(drive: Drive) -> None:
    media(drive.folder / "song.ogg", "song")
    with tarfile.open(drive.folder / "backup.tar", "w") as packed:
        packed.add(drive.folder / "song.ogg", "song.ogg")
    with zipfile.ZipFile(drive.folder / "films.mp4", "w") as films:
        films.write(drive.folder / "song.ogg")
    (drive.folder / "notes.gz").write_bytes(gzip.compress(b"notes"))
    for _ in range(2):
        found = drive.scan()
        codes = {name: (one.answer["error"] or {}).get("code") for name, one in found.items()}
        packs = dict.fromkeys(("backup.tar", "films.mp4", "notes.gz"), "archive")
        assert codes == {"song.ogg": None, **packs}
        assert (drive.tally.archives, drive.tally.status["error"], drive.tally.examined) == (3, 0, 1)


def test_no_file_is_counted_as_examined_and_as_not(drive: Drive) -> None:
    for name in ("a", "crash"):
        media(drive.folder / name, name)
    drive.scan()
    assert (drive.tally.examined, drive.tally.full, drive.tally.status["error"]) == (1, 0, 1)


def test_the_same_bytes_are_examined_once_and_told_of_each_file(drive: Drive) -> None:
    first = media(drive.folder / "a.ogg", "song")
    media(drive.folder / "b" / "copy.mp3", "song")
    os.link(first, drive.folder / "c.ogg")
    found = drive.scan()
    assert len(drive.examined()) == 1
    assert len([result for result in found.values() if result.copy_of]) == 2
    assert {name: result.answer["query"]["name"] for name, result in found.items()} == {n: n for n in found}
    assert (drive.tally.files, drive.tally.copies, drive.tally.examined) == (3, 2, 1)


def test_a_rerun_examines_nothing_again_and_tells_everything_again(drive: Drive) -> None:
    for name in ("a", "b", "c"):
        media(drive.folder / name, name)
    first = drive.scan()
    drive.examined()
    assert drive.scan() == first
    assert drive.examined() == []


def test_what_another_way_of_reading_found_counts_no_more(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    media(drive.folder / "a", "a")
    drive.scan()
    drive.examined()
    monkeypatch.setattr("service.journal.READING", 99)
    drive.scan()
    assert drive.examined() == ["a at a glance"]


def test_what_has_changed_is_examined_again(drive: Drive) -> None:
    for name in ("a", "b"):
        media(drive.folder / name, name)
    drive.scan()
    drive.examined()
    media(drive.folder / "b", "changed")
    drive.scan()
    assert drive.examined() == ["b at a glance"]


@pytest.mark.parametrize(
    "damage",
    [
        "answers SET answer = '{'",
        "answers SET answer = '{}'",
        "answers SET answer = x'ff00'",
        "answers SET answer = 7",
    ],
)
def test_a_damaged_answer_in_the_journal_is_none(drive: Drive, damage: str) -> None:
    media(drive.folder / "a", "a")
    found = drive.scan()
    drive.examined()
    _damage(drive.data / "scans.db", damage)
    assert drive.scan() == found and drive.examined() == ["a at a glance"]


@pytest.mark.parametrize(
    "damage",
    ["digests = '{'", "digests = '[]'", "digests = x'ff00'", "digests = '{\"sha256\": 7}'", "kind = 'medja'"],
)
def test_a_damaged_identity_in_the_journal_is_none(drive: Drive, damage: str) -> None:
    media(drive.folder / "a", "a")
    found = drive.scan()
    drive.examined()
    _damage(drive.data / "scans.db", f"files SET {damage}")
    assert drive.scan() == found and drive.examined() == []


def _damage(path: Path, update: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"UPDATE {update}")
        database.commit()


def test_a_glance_does_not_stand_for_a_full_examination(drive: Drive) -> None:
    media(drive.folder / "a", "a")
    drive.scan()
    drive.scan(thorough=True)
    drive.scan()
    assert drive.examined() == ["a at a glance", "a in full"]


def test_another_catalog_is_another_question(drive: Drive, samples: Path) -> None:
    media(drive.folder / "a", "a")
    drive.scan()
    with Engine(drive.data) as engine:
        engine.register(samples / "originals" / "the-witness.opus")
    drive.scan()
    assert drive.examined() == ["a at a glance"] * 2


def test_a_file_that_crashes_or_hangs_fails_alone(drive: Drive) -> None:
    for name in ("a", "crash", "b", "hang", "c"):
        media(drive.folder / name, name)
    found = drive.scan()
    errors = {
        name: result.answer["error"] and result.answer["error"]["code"] for name, result in found.items()
    }
    assert errors == {"a": None, "b": None, "c": None, "crash": "crashed", "hang": "timeout"}


def codes(found: dict[str, Found]) -> dict[str, str | None]:
    """The codes of errors, by the file's name."""
    return {name: (result.answer["error"] or {}).get("code") for name, result in found.items()}


def test_an_error_of_the_bytes_is_found_once(drive: Drive) -> None:
    for name in ("a", "copy"):
        media(drive.folder / name, "corrupt")
    assert codes(drive.scan()) == {"a": "corrupt", "copy": "corrupt"}
    assert len(drive.examined()) == 1
    assert codes(drive.scan()) == {"a": "corrupt", "copy": "corrupt"} and drive.examined() == []


def test_an_error_of_one_copy_is_not_that_of_the_next(drive: Drive) -> None:
    for name in ("a", "b", "c"):
        media(drive.folder / name, "fails at first")
    found = drive.scan()
    failed = [name for name, code in codes(found).items() if code == "changed"]
    copies = [result for result in found.values() if result.copy_of]
    assert len(failed) == len(copies) == 1 and len(drive.examined()) == 2
    assert copies[0].copy_of not in (None, drive.folder / failed[0])
    assert sum(drive.tally.status.values()) == drive.tally.files == 3
    assert drive.tally.bytes == 3 * (drive.folder / "a").stat().st_size


def test_a_passing_error_is_not_remembered(drive: Drive) -> None:
    media(drive.folder / "a", "fails at first")
    assert codes(drive.scan()) == {"a": "changed"}
    assert codes(drive.scan()) == {"a": None}


def test_known_files_are_passed_over(drive: Drive, tmp_path: Path) -> None:
    good = media(drive.folder / "ring.ogg", "installed with the system")
    media(drive.folder / "song.ogg", "song")
    drive.scan()  # hashed by SHA-256 alone
    (tmp_path / "good.txt").write_text(hashlib.md5(good.read_bytes()).hexdigest())
    assert list(drive.scan(known=KnownFiles([tmp_path / "good.txt"]))) == ["song.ogg"]
    assert drive.tally.known == 1


def test_a_huge_file_of_holes_is_told_and_not_read(drive: Drive) -> None:
    os.truncate(media(drive.folder / "film.mkv", ""), 1 << 40)
    (drive.folder / "zeros.mp4").touch()
    os.truncate(drive.folder / "zeros.mp4", 1 << 40)
    found = drive.scan()
    assert [found[name].answer["error"]["code"] for name in ("film.mkv", "zeros.mp4")] == ["sparse"] * 2


def test_what_may_not_be_read_is_told(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    (drive.folder / "locked").mkdir()
    listdir = os.listdir

    def refuse(path: Any) -> list[str]:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    answer = drive.scan()["locked"].answer
    assert answer["error"] == {"code": "unreadable", "message": "locked: cannot be read: Permission denied"}


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [("ts", "libx264", "aac"), ("mkv", "libx264", "aac"), ("avi", "libx264", "aac"), ("mov", "libx264", "aac"),
     ("flv", "flv1", "libmp3lame")],
)  # fmt: skip
def test_containers_of_pictures_are_known(tmp_path: Path, suffix: str, video: str, audio: str) -> None:
    made = film(tmp_path / f"film.{suffix}", 1.0, video, audio)
    assert content(made.rename(tmp_path / "film")) == "media"


@pytest.mark.parametrize(
    ("suffix", "codec", "form"),
    [("wav", "pcm_s16le", "s16"), ("mp3", "libmp3lame", "fltp"), ("aac", "aac", "fltp"), ("flac", "flac", "s16"),
     ("opus", "libopus", "flt"), ("aiff", "pcm_s16be", "s16"), ("mp2", "mp2", "s16"), ("ac3", "ac3", "fltp")],
)  # fmt: skip
def test_files_of_sound_are_known(tmp_path: Path, suffix: str, codec: str, form: str) -> None:
    made = sound_file(tmp_path / f"song.{suffix}", codec, 1.0, form=form)
    if suffix == "mp3":  # without the tag before its frames
        data = made.read_bytes()
        made.write_bytes(data[data.index(b"\xff\xfb") :])
    assert content(made.rename(tmp_path / "song")) == "media"


@pytest.mark.parametrize(
    "head",
    [b"The free lunch is over.", b"%PDF-1.7\n\0", b"\x7fELF\0", b"SQLite format 3\0", bytes(4096),
     b"#EXTM3U\nfilm.mp4\n", b"MZ\x90\0", b"\xff\xfe\0\0text", b"\xff\xd8\xff\xe0\0"],
)  # fmt: skip
def test_other_files_are_not_taken_for_media(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(head)
    assert content(path) != "media"


def test_what_is_named_as_media_and_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "locked.mp4").write_bytes(bytes(range(1, 256)) * 20)
    assert content(tmp_path / "locked.mp4") == "media"


@pytest.fixture
def seized(data: Path, samples: Path, tmp_path: Path) -> Iterator[Path]:
    """A drive with a copy of a registered song under odd names, and things that are none."""
    assert whorl("register", samples / "originals" / "harbour-lights.m4a").exit_code == 0
    folder = tmp_path / "seized"
    (folder / ".hidden").mkdir(parents=True)
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/.hidden/\xff=1+1\n.doc"))
    shutil.copy(samples / "captures" / "cut-32kbit.mp3", odd)
    shutil.copy(odd, folder / "=HYPERLINK(1);=1+1.txt")
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    (folder / "letter.txt").write_text("nothing to see")
    yield folder


def test_a_scan_tells_what_where_and_how_much(data: Path, seized: Path, tmp_path: Path) -> None:
    done = whorl("scan", seized, "--json", "--output", tmp_path / "out")
    assert done.exit_code == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(answer) == MATCH for answer in answers)
    by_status = {status: [a for a in answers if a["status"] == status] for status in ("match", "error")}
    assert [len(found) for found in by_status.values()] == [2, 1]
    assert by_status["error"][0]["path"] == str(seized / "broken.mp4")
    assert {Path(a["path"]).name for a in by_status["match"]} == {"\\xff=1+1\n.doc", "=HYPERLINK(1);=1+1.txt"}
    assert (tmp_path / "out" / "results.jsonl").read_text() == done.stdout
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert not any(row["path"].startswith("=") for row in rows)
    with (tmp_path / "out" / "results.csv").open(
        newline=""
    ) as file:  # as in countries where the comma is a decimal mark
        assert not [cell for row in csv.reader(file, delimiter=";") for cell in row if cell.startswith("=")]
    assert [bool(row["same_bytes_as"]) for row in rows if row["status"] == "match"].count(True) == 1
    page = (tmp_path / "out" / "index.html").read_text()
    assert "harbour-lights" in page and "data:image/png" in page and "broken.mp4" in page and "0:15.0" in page
    assert "at a glance means" not in done.stderr  # what is this short is examined in full


def test_what_a_glance_misses_is_said_where_one_was_thought_enough(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for full, said in ((2, True), (3, False)):
        with Results(True, None) as results:
            results.end(Tally(examined=3, full=full), Sources([]))
        assert ("at a glance means" in capsys.readouterr().err) == said


def test_one_is_no_plural() -> None:
    told = dict(totals(Tally(files=2, pictures=1, archives=1)))
    assert (told["files"], told["still picture, passed over"], told["archive, not opened"]) == (2, 1, 1)


def test_each_file_is_counted_once_and_so_are_verdicts(drive: Drive) -> None:
    for name, text in (("a", "song"), ("b", "song"), ("c", "crash"), ("d", "corrupt"), ("e", "corrupt")):
        media(drive.folder / name, text)
    (drive.folder / "letter.txt").write_text("nothing to see")
    (drive.folder / "list.m3u").write_text("#EXTM3U")
    (drive.folder / "films.zip").write_bytes(b"PK\3\4" + bytes(100))
    drive.scan()
    told = dict(totals(drive.tally))
    counted = ("examined", "of the same bytes as one of these", "known as good, passed over", "not examined",
               "archive, not opened", "still pictures, passed over", "playlist or manifest, passed over",
               "file of other kinds, passed over")  # fmt: skip
    assert [told[words] for words in counted] == [1, 1, 0, 3, 1, 0, 1, 1]
    verdicts = ("matched, with those of the same bytes", "to review", "no match")
    assert [told[words] for words in verdicts] == [0, 0, 2]
    assert told["files"] == sum(told[words] for words in counted)


def test_why_nothing_was_found_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = {"name": "a.mp4", "sha256": "ab", "duration": 9.0, "kinds": ["audio"]}
    answer = {"query": query, "path": "drive/a.mp4", "status": "no-match", "error": None, "matches": [],
              "warnings": ["is silent throughout"], "engine": {"version": "1", "algorithms": []}}  # fmt: skip
    with Results(False, tmp_path) as results:
        results.take(Found(answer, Path("drive/a.mp4"), True))
        results.end(Tally(files=1, examined=1, full=1), Sources([]))
    assert "drive/a.mp4: is silent throughout" in capsys.readouterr().out
    assert "is silent throughout" in (tmp_path / "index.html").read_text()


def test_progress_names_what_is_being_examined(tmp_path: Path) -> None:
    class Busy:
        jobs = (Examine(Entry(tmp_path / "film.mkv", 10), "", False), Identify(Entry(tmp_path / "b"), ()))
        parts = (0.45, 0.0)

    line = told(Tally(files=10, examined=9, bytes=1_000_000), cast(Workers, Busy()), 10, 5_000_000)
    assert line == (
        "10 of 10 files (1.0 MB of 5.0 MB), 9 examined, 0 match, 0 not examined: film.mkv 45%, b 0%"
    )


def test_the_table_names_findings_and_failures(
    data: Path, seized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(seized.parent)
    seized = Path(seized.name)  # long paths are folded
    whorl("scan", seized, "--json")
    done = whorl("scan", seized)
    assert done.exit_code == 1
    assert "same bytes as" in done.stdout and "truncated" not in done.stdout and "\x1b" not in done.stdout
    assert [line for line in done.stdout.splitlines() if "broken.mp4" in line and "error" in line]


def test_a_wrong_list_of_hashes_is_wrong_usage(data: Path, seized: Path) -> None:
    done = whorl("scan", seized, "--exclude-hashes", seized / "letter.txt")
    assert done.exit_code == 2 and "'nothing'" in done.stderr


@pytest.mark.parametrize("lines", [0, 1, 2])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_it_goes_on_where_it_stopped(data: Path, seized: Path, lines: int, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "service.cli", "scan", "--json", str(seized)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert running.stdout is not None
    while not (data / "scans.db").exists():
        time.sleep(0.01)
    told = [json.loads(running.stdout.readline()) for _ in range(lines)]
    running.send_signal(how)
    rest, errors = running.communicate(timeout=60)
    told += [json.loads(line) for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    if how == signal.SIGINT:  # of a killed one, the worker that it was just starting complains
        assert "Traceback" not in errors
        if running.returncode != 1:  # it may have been done already
            assert running.returncode == 130 and "interrupted" in errors
    again = [json.loads(line) for line in whorl("scan", seized, "--json").stdout.splitlines()]
    assert sorted(answer["status"] for answer in again) == ["error", "match", "match"]
    # The same seconds to the millisecond: these were not examined again.
    assert [
        answer for answer in told if answer["path"] != str(seized / "broken.mp4") and answer not in again
    ] == []
