"""Hashes of files that are known as good: as lists, and as NSRL publishes them."""

import hashlib
from pathlib import Path

import pytest

from service.inputs import InputError
from service.known import KnownFiles

GOOD, BAD = b"notepad.exe", b"film.mp4"


def digests(content: bytes) -> dict[str, str]:
    return {name: hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256")}


def known(path: Path, text: str) -> KnownFiles:
    path.write_text(text)
    return KnownFiles([path])


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
@pytest.mark.parametrize("form", ["{}", "{}  notepad.exe", "# good\n\n{}\r"])
def test_a_list_of_hashes(tmp_path: Path, name: str, form: str) -> None:
    hashes = known(tmp_path / "good.txt", form.format(digests(GOOD)[name].upper()) + "\n" + "0" * 64 + "\n")
    assert hashes.holds(digests(GOOD))
    assert not hashes.holds(digests(BAD))
    assert name in hashes.algorithms


def test_the_table_of_nsrl(tmp_path: Path) -> None:
    rows = [
        '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode","SpecialCode"',
        f'"{digests(GOOD)["sha1"].upper()}","{digests(GOOD)["md5"].upper()}","00000000","a ""b"", c.exe",11,1,"362",""',
    ]
    hashes = known(tmp_path / "NSRLFile.txt", "\r\n".join(rows))
    assert (len(hashes), hashes.algorithms) == (1, ("sha1",))
    assert hashes.holds(digests(GOOD)) and not hashes.holds(digests(BAD))


@pytest.mark.parametrize(
    "header",
    ['\ufeff"SHA-1","MD5"', '"MD5","SHA-1 "', "SHA-1, MD5", '"SHA-1"'],
    ids=["with a mark of its encoding", "second, and with a space", "without quotes", "alone"],
)
def test_a_table_by_any_header_that_names_its_column(tmp_path: Path, header: str) -> None:
    cells = [digests(GOOD)["sha1" if "SHA-1" in name else "md5"] for name in header.split(",")]
    assert known(tmp_path / "NSRLFile.txt", f"{header}\r\n{','.join(cells)}\r\n").holds(digests(GOOD))


@pytest.mark.parametrize("first", ["# SHA-1 of known files", "\ufeff# SHA-1, made today", "\ufeff"])
def test_a_list_whose_first_line_speaks_of_its_hashes(tmp_path: Path, first: str) -> None:
    hashes = known(tmp_path / "good.txt", f"{first}\n{digests(GOOD)['sha1']}\n")
    assert hashes.holds(digests(GOOD)) and len(hashes) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SHA-1 of known files\n" + "0" * 40, "line 1: 'SHA-1' is no MD5"),
        ('"SHA-1","MD5"\n"00","11"\n', "line 2: '00' is no MD5"),
        ('"SHA-1","Name"\n"' + "0" * 40 + '","' + "x" * 200_000 + '"\n', "line 2: field larger"),
    ],
    ids=["a list", "a table", "a cell that is too large"],
)
def test_what_is_no_list_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        known(tmp_path / "good.txt", text)


@pytest.mark.parametrize("text", ["notahash\n", "abcd\n", "0" * 63 + "\n"])
def test_a_slip_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"good.txt, line 1: '.*' is no MD5"):
        known(tmp_path / "good.txt", text)


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        KnownFiles([tmp_path / "gone.txt"])


def test_without_lists_nothing_is_known() -> None:
    assert not KnownFiles().holds({"sha256": "0" * 64})
