"""What a user hands to a command: tables of works, folders, and what is no file at all."""

import json
from pathlib import Path

import pytest

from service.inputs import Details, read_table
from tests.command import lines, whorl


def test_a_table_tells_the_works(data: Path, song: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text(
        "file,title,owner,kind,identifiers\n"
        f"{song.name},Harbour Lights,A Label,song,isrc:USRC17607839;iswc:T-034.524.680-1\n"
    )
    assert whorl("register", song, "--table", table).exit_code == 0
    (shown,) = lines("show", "1")
    assert (shown["title"], shown["owner"], shown["kind"]) == ("Harbour Lights", "A Label", "song")
    assert shown["identifiers"] == ["isrc:USRC17607839", "iswc:T-034.524.680-1"]


def test_a_table_of_a_spreadsheet_may_be_parted_by_semicolons(data: Path, song: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    rows = (
        f'file;title;identifiers\r\n{song.name};Café, at night;"isrc:USRC17607839;iswc:T-034.524.680-1"\r\n'
    )
    table.write_bytes(b"\xef\xbb\xbf" + rows.encode())
    assert whorl("register", song, "--table", table).exit_code == 0
    (shown,) = lines("show", "1")
    assert shown["title"] == "Café, at night"
    assert shown["identifiers"] == ["isrc:USRC17607839", "iswc:T-034.524.680-1"]


def test_a_table_in_another_encoding_is_told_how_to_be_saved(data: Path, song: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_bytes("file;title\nsong.m4a;Café\n".encode("latin-1"))
    result = whorl("register", song, "--table", table)
    assert result.exit_code == 2 and "CSV UTF-8" in result.stderr


def test_a_row_of_a_table_that_no_file_has_is_named(data: Path, song: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text(f"file,title\n{song.name},Harbour Lights\nharbor.m4a,A slip\n")
    result = whorl("register", song, "--table", table)
    assert result.exit_code == 0
    assert "'harbor.m4a'" in result.stderr and f"'{song.name}'" not in result.stderr


def test_a_table_with_an_unknown_column_is_refused(data: Path, song: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text("file,titel\nsong.m4a,Harbour Lights\n")
    result = whorl("register", song, "--table", table)
    assert result.exit_code == 2 and "'titel'" in result.stderr


def test_a_table_alone_names_no_files_and_that_is_said(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text("file,title\nsong.m4a,Harbour Lights\n")
    result = whorl("register", "--table", table)
    assert result.exit_code == 2
    assert "names none to register" in " ".join(result.stderr.replace("│", " ").split())


def test_an_address_in_place_of_a_file_is_told_where_to_go(data: Path, song: Path) -> None:
    whorl("register", song)
    for address in ("http://127.0.0.1:9/film.mp4", "http://" + "a" * 5000):
        result = whorl("match", address)
        assert result.exit_code == 1
        assert "that is an address: whorl watch" in " ".join(result.stdout.split())


@pytest.mark.parametrize("command", ["register", "match"])
def test_a_folder_without_files_may_be_a_drive_that_is_not_there(
    registered: Path, tmp_path: Path, command: str
) -> None:
    (tmp_path / "empty").mkdir()
    result = whorl(command, tmp_path / "empty", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["code"] == "not-found"
    assert "nothing to examine in this folder" in result.stdout


@pytest.mark.parametrize("command", ["register", "match"])
def test_hidden_files_are_said_to_be_passed_over(registered: Path, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "hidden"
    (folder / ".kept").mkdir(parents=True)
    (folder / ".copy.wav").write_bytes(b"RIFF")
    result = whorl(command, folder, "--json")
    assert result.exit_code == 1 and "hidden, and passed over: 2" in result.stdout
    (folder / "shown.wav").write_bytes(b"RIFF")
    assert "hidden, and passed over: 2" in whorl(command, folder, "--json").stderr


@pytest.mark.parametrize("command", ["register", "match"])
def test_links_in_a_folder_are_not_followed(registered: Path, tmp_path: Path, command: str) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "captured"
    outside.mkdir()
    folder.mkdir()
    (outside / "private.wav").write_bytes(b"RIFF")
    (folder / "copy.wav").symlink_to(outside / "private.wav")
    (folder / "copies").symlink_to(outside)
    result = whorl(command, folder, "--json")
    assert result.exit_code == 1 and "symbolic links, and not followed: 2" in result.stdout
    assert "private" not in result.output


@pytest.mark.parametrize(
    "named", ["/library/films/1922/nosferatu.mp4", "1922/nosferatu.mp4", "nosferatu.mp4"]
)
def test_a_table_names_files_by_their_paths_the_ends_of_these_or_names(tmp_path: Path, named: str) -> None:
    table = tmp_path / "works.csv"
    table.write_text(f"file,title\n{named},Nosferatu\n2022/nosferatu.mp4,Another\n")
    details = read_table(table, Details(title="unnamed"))
    assert details(Path("/library/films/1922/nosferatu.mp4")).title == "Nosferatu"
    assert details(Path("/library/films/2022/nosferatu.mp4")).title == "Another"
    assert details(Path("/library/films/1922/osferatu.mp4")).title == "unnamed"
