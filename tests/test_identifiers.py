"""Identifiers are written as their schemes write them, and a wrong check digit is told with the right one."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from service.cli import app
from service.identifiers import SCHEMES, IdentifierError, identifier, normal

RIGHT = [
    ("isrc:us-rc1-76-07839", "USRC17607839"),
    ("ISWC:T0345246801", "T-034.524.680-1"),
    ("isan:0000-0000-D07A-0090-Q-0000-0000-X", "0000-0000-D07A-0090-Q-0000-0000-X"),
    ("isan:0000 0000 D07A 0090", "0000-0000-D07A-0090-Q"),
    ("isan:000000018947000000000000", "0000-0001-8947-0000-8-0000-0000-D"),
    ("eidr:https://doi.org/10.5240/7791-8534-2c23-9030-8610-5", "10.5240/7791-8534-2C23-9030-8610-5"),
    ("isbn:0-471-11709-9", "9780471117094"),
    ("ean:5901234123457", "5901234123457"),
    ("archive:Box 7", "Box 7"),
]
WRONG_DIGIT = [
    ("iswc:T-034.524.680-2", "1"),
    ("isan:0000-0001-8CFA-0000-A", "I"),
    ("isan:0000-0000-D07A-0090-Q-0000-0000-Y", "X"),
    ("eidr:10.5240/7791-8534-2C23-9030-8610-6", "5"),
    ("isbn:0471117098", "9"),
    ("isbn:9780471117095", "4"),
    ("ean:5901234123458", "7"),
]
NO_SUCH_FORM = [
    "isrc:X",
    "isrc:XXRC17607839",
    "iswc:T-1",
    "isan:12G4",
    "eidr:10.5237/9241-9A18",
    "isbn:978",
    "ean:12",
]
NOT_AT_ALL = [
    "no-colon",
    "isrc:",
    ":X",
    "two words:1",
    "archive:a\u202eb",
    "archive:a\0b",
    "archive:" + "x" * 201,
]


@pytest.mark.parametrize(("text", "value"), RIGHT)
def test_all_of_a_scheme_are_written_alike(text: str, value: str) -> None:
    scheme = text.partition(":")[0].lower()
    assert identifier(text) == (scheme, value)
    assert normal(scheme, value) == value


@pytest.mark.parametrize(("text", "right"), WRONG_DIGIT)
def test_a_wrong_check_digit_is_told_with_the_right_one(text: str, right: str) -> None:
    with pytest.raises(
        IdentifierError, match=f"^{re.escape(repr(text))}: .*is {right}, not {text[-1]}: compare it"
    ):
        identifier(text)


@pytest.mark.parametrize("text", [*NO_SUCH_FORM, *NOT_AT_ALL])
def test_what_cannot_be_an_identifier_is_refused(text: str) -> None:
    with pytest.raises(IdentifierError):
        identifier(text)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(max_examples=200, derandomize=True, deadline=None)
@given(value=st.text(min_size=1, max_size=40))
def test_any_text_is_an_identifier_or_refused(scheme: str, value: str) -> None:
    try:
        assert normal(scheme, normal(scheme, value)) == normal(scheme, value)
    except IdentifierError as error:
        assert scheme in str(error)


def test_a_wrong_check_digit_is_wrong_usage(data: Path) -> None:
    result = CliRunner().invoke(app, ["register", "x", "--id", "ean:5901234123458"])
    assert result.exit_code == 2 and "'ean:5901234123458'" in result.stderr


def test_a_wrong_check_digit_in_a_table_is_wrong_usage(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "works.csv"
    table.write_text("file,title,identifiers\nsong.m4a,Harbour Lights,iswc:T-034.524.680-2\n")
    result = CliRunner().invoke(app, ["register", "x", "--table", str(table)])
    assert result.exit_code == 2 and "T-034.524.680-2" in result.stderr
