"""Peers of the benchmark with an index of their own, by stand-ins: what they print is understood, or it is an error."""

import json
from pathlib import Path

import pytest

from benchmarks import landmark_peers, peer_rows
from benchmarks.corpus import Title
from benchmarks.landmark_peers import LANDMARK_PEERS, audfprint_answers, olaf_answer, panako_answers
from benchmarks.peers import NOTHING, PeerError
from benchmarks.truth import Truth

# Neither is a stranger by its name and source: both are registered.
TITLES = [Title("a song.opus", "audio", "one", 60.0), Title("b.opus", "audio", "three", 60.0)]
TRUTHS = [
    Truth("copy of b.wav", "audio", "audio-phone", 5.0, "b.opus"),
    Truth("stranger.wav", "audio", "stranger", 5.0, series="three"),
    Truth("broken.wav", "audio", "audio-gaps", 5.0, "b.opus"),
]
# Landmarks of a stand-in are letters, and two files are as like as they have letters in common.
SOUNDS = {
    "a song.opus": "abcdefgh", "b.opus": "ijklmnop",
    "copy of b.wav": "aijklm", "stranger.wav": "abijk", "broken.wav": "",
}  # fmt: skip

AUDFPRINT = """
import sys
from pathlib import Path

arguments = sys.argv[1:]
index = Path(arguments[arguments.index("--dbase") + 1])
files = Path(arguments[-1]).read_text().splitlines()
if arguments[0] == "new":
    index.write_text("\\n".join(files))
for file in files if arguments[0] == "match" else []:
    heard = set(Path(file).read_text())
    told = f"{file} 4.9 sec {len(heard)} raw hashes"
    if not heard:
        print(f"wavfile2peaks: Error reading {file} skipping")
    ranked = [(len(heard & set(Path(name).read_text())), name) for name in index.read_text().splitlines()]
    for count, name in sorted(ranked, reverse=True):
        if count:
            print(f"Matched {told} as {name} at   -0.5 s with {count:5d} of     9 common hashes at rank  0")
    if not heard:
        print(f"NOMATCH {told}")
"""
OLAF = """#!/usr/bin/env python3
import os, sys
from pathlib import Path

task, samples, name = sys.argv[1:]
heard, index = Path(samples).read_text(), Path(os.environ["HOME"]) / ".olaf" / "db"
if task == "store":
    (index / name).write_text(heard)
else:
    ranked = sorted(((len(set(heard) & set(f.read_text())), f.name) for f in index.iterdir()), reverse=True)
    for count, name in ranked:
        print(f"{count}, 0.10, 4.90, {name}, 77, 10.10, 14.90")
"""
JAVA = """#!/usr/bin/env python3
import sys
from pathlib import Path

home = next(Path(argument.removeprefix("-Duser.home=")) for argument in sys.argv if argument.startswith("-Duser.home="))
task, files = next(a for a in sys.argv if a in ("store", "query")), Path(sys.argv[-1]).read_text().splitlines()
for number, file in enumerate(files, 1):
    heard, index = set(Path(file).read_text()), home / "index"
    if not heard:
        print("at be.panako.cli.Query.run(Query.java:63)", file=sys.stderr)
    elif task == "store":
        with index.open("a") as stored:
            stored.write(f"{file}\\n")
        print(f"{number}; {len(files)}; {Path(file).name}; 00:01:00; 574.00 ms; 37.33")
    else:
        told = f"{number} ; {len(files)} ; {file} ; 0.000 ; 4.900"
        ranked = [(len(heard & set(Path(name).read_text())), name) for name in index.read_text().splitlines()]
        for count, name in sorted(ranked, reverse=True):
            if count:
                print(f"{told} ; {name} ; 138 ; 10.1 ; 14.9 ; {count} ; 1.000 % ; 1.000 %; 1.00")
"""
FFMPEG = """#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = -i ] && from=$2; shift; done
test -s "$from" && cp "$from" "$1"
"""


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Registered files and queries, and stand-ins for the peers and for FFmpeg, which finds nothing in an empty file."""
    for name, landmarks in SOUNDS.items():
        (tmp_path / name).write_text(landmarks)
    rows = [f"{title.file},audio,{title.source},{title.seconds}\n" for title in TITLES]
    (tmp_path / "MANIFEST.csv").write_text("file,kind,repo,seconds\n" + "".join(rows))
    program(tmp_path / "bin" / "ffmpeg", FFMPEG)
    program(tmp_path / "olaf" / "bin" / "olaf_core", OLAF)
    program(tmp_path / "audfprint" / "audfprint.py", AUDFPRINT)
    program(tmp_path / "bin" / "java", JAVA)
    program(tmp_path / "panako" / "build" / "libs" / "panako-2.1-all.jar", "a program")
    monkeypatch.setenv("WHORL_PANAKO", str(tmp_path / "panako"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("WHORL_OLAF", str(tmp_path / "olaf"))
    monkeypatch.setenv("WHORL_AUDFPRINT", str(tmp_path / "audfprint"))
    return tmp_path


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def note(text: str) -> None:
    """Nobody looks on."""


@pytest.mark.parametrize("name", list(LANDMARK_PEERS))
def test_the_likeliest_file_is_told_with_its_count_and_a_query_that_is_not_read_as_such(
    name: str, media: Path
) -> None:
    found = landmark_peers.answers(name, TITLES, media, media, TRUTHS, note)
    assert found == {
        "copy of b.wav": ("b.opus", 5.0),
        "stranger.wav": ("a song.opus", 2.0),  # its own series is liker
        "broken.wav": None,
    }


@pytest.mark.parametrize("name", list(LANDMARK_PEERS))
def test_answers_are_kept_until_the_program_is_another(
    name: str, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = LANDMARK_PEERS[name]
    monkeypatch.setattr(peer_rows, "ALL", {name: peer})
    monkeypatch.setattr(type(peer), "missing", "")
    row = peer_rows.peer_rows(media, media, TRUTHS, note)[name]
    assert (row["strangers"], row["not_read"]) == (1, 1)
    assert row["recall"]["audio, all attacks, 5 s"]["at_no_false"]["hits"] == 1
    kept = next(media.glob(f"peer-{name}-*.json"))
    answers = json.loads(kept.read_text()) | {"stranger.wav": ["b.opus", 9.0]}
    kept.write_text(json.dumps(answers))
    row = peer_rows.peer_rows(media, media, TRUTHS, note)[name]
    assert row["recall"]["audio, all attacks, 5 s"]["at_no_false"]["hits"] == 0
    with (peer.checkout / peer.program).open("a") as file:
        file.write("\n# other settings\n")
    row = peer_rows.peer_rows(media, media, TRUTHS, note)[name]
    assert row["recall"]["audio, all attacks, 5 s"]["at_no_false"]["hits"] == 1


def test_what_a_peer_does_not_answer_is_no_answer_that_it_found_nothing() -> None:
    files = [Path("a.opus")]
    none = "NOMATCH q 1.wav 4.9 sec 100 raw hashes"
    assert list(audfprint_answers(none, files, [Path("q 1.wav")])) == [[]]
    with pytest.raises(PeerError, match=r"nothing of q 2\.wav"):
        list(audfprint_answers(none, files, [Path("q 2.wav")]))
    assert olaf_answer("0, 0.00, 0.00, , 0, 0.00, 0.00\n") == []
    for told in ("", "out of memory\n", "7, 0.10, 4.90, 3, 77, 10.10, 14.90\nout of memory\n"):
        with pytest.raises(PeerError, match="no answer"):
            olaf_answer(told)
    empty = "1 ; 1 ; q 1.wav ; 0.000 ; 0.000 ; null ; null ; -1.000 ; -1.000 ; -1 ; -1.000 % ; -1.000 %; 0.00"
    assert list(panako_answers(empty, files, [Path("q 1.wav"), Path("q 2.wav")])) == [[], None]
    with pytest.raises(PeerError, match="no answer"):
        list(panako_answers("out of memory\n", files, [Path("q 1.wav")]))


@pytest.mark.parametrize("name", ["olaf", "panako"])
def test_a_registered_file_that_cannot_be_read_ends_the_run(name: str, media: Path) -> None:
    (media / "b.opus").write_text("")
    with pytest.raises(PeerError):
        landmark_peers.answers(name, TITLES, media, media, TRUTHS, note)


def test_a_stranger_that_resembles_its_own_series_alone_resembles_nothing(media: Path) -> None:
    (media / "stranger.wav").write_text("ijk")
    found = landmark_peers.answers("audfprint", TITLES, media, media, TRUTHS[1:2], note)
    assert found == {"stranger.wav": NOTHING}


@pytest.mark.parametrize("name", list(LANDMARK_PEERS))
def test_a_missing_peer_says_how_to_get_it(name: str, media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = LANDMARK_PEERS[name]
    monkeypatch.setenv(peer.variable, str(media))
    assert peer.missing == f"{media} has no {peer.program}: {peer.install}"
    monkeypatch.delenv(peer.variable)
    assert peer.missing == f"{peer.variable} names no folder of it: {peer.install}"
    assert "clone github.com/" in peer.install
