"""A drive as it is: hidden files, odd names, loops, links that lead away, and what may not be read."""

import os
from pathlib import Path
from typing import Any

import pytest

from service.walk import Entry, walk


def written(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def below(folder: Path) -> dict[str, Entry]:
    """What is found, by its place in the folder."""
    return {str(entry.path.relative_to(folder)): entry for entry in walk([folder])}


def test_everything_is_found_in_order(tmp_path: Path) -> None:
    for name in ("b/2.mp4", "b/1", ".hidden/song", "a.mp3"):
        written(tmp_path / name)
    assert list(below(tmp_path)) == ["a.mp3", ".hidden/song", "b/1", "b/2.mp4"]


def test_links_are_not_followed_and_loops_end(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    written(drive / "film.mp4")
    secret = written(tmp_path / "secret.mp4")
    (drive / "round").symlink_to(drive)
    (drive / "out").symlink_to(tmp_path)
    (drive / "away.mp4").symlink_to(secret)
    os.mkfifo(drive / "pipe")
    found = below(drive)
    assert {name: entry.passed for name, entry in found.items()} == {
        "film.mp4": "", "round": "link", "out": "link", "away.mp4": "link", "pipe": "special",
    }  # fmt: skip


def test_a_folder_is_gone_through_once(tmp_path: Path) -> None:
    written(tmp_path / "a" / "film.mp4")
    assert len(list(walk([tmp_path, tmp_path / "a", tmp_path / "a" / ".." / "a"]))) == 1


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "open" / "film.mp4")
    written(tmp_path / "locked" / "film.mp4")
    listdir = os.listdir

    def refuse(path: Any) -> list[str]:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)  # the permission itself does not bind a superuser
    found = below(tmp_path)
    assert str(found["locked"].problem) == "locked: cannot be read: Permission denied"
    assert found["open/film.mp4"].problem is None


def test_names_may_be_any_bytes(tmp_path: Path) -> None:
    for name in (b"\xff\xfe.mp4", b"line\nbreak.mp3", b"-rf"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x")
    assert sorted(os.fsencode(e.path.name) for e in walk([tmp_path])) == [
        b"-rf", b"line\nbreak.mp3", b"\xff\xfe.mp4",
    ]  # fmt: skip


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    (entry,) = walk([tmp_path / "gone"])
    assert entry.problem is not None and entry.problem.code == "not-found"
