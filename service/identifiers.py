"""Identifiers of works: those with a check digit are checked, and all of a scheme are written alike."""

import re
from collections.abc import Callable, Iterable

from stdnum import ean, isan, isbn, isrc
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.iso7064 import mod_37_36

# A scheme that is not among SCHEMES is the user's own: an archive's number, a label's catalogue.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
LONGEST = 200  # characters of a value


class IdentifierError(ValueError):
    """An identifier that cannot be right; the message names it, what is wrong and the next step."""


class _WrongError(ValueError):
    """What is wrong with a value."""


def identifier(text: str) -> tuple[str, str]:
    """("isrc", "USRC17607839") of "ISRC:US-RC1-76-07839". Raises IdentifierError."""
    scheme, _, value = (part.strip() for part in text.partition(":"))
    if not scheme or not value:
        raise IdentifierError(f"{text!r} is not SCHEME:VALUE, such as isrc:USRC17607839")
    return scheme.lower(), normal(scheme.lower(), value)


def identifiers(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """All of them. Raises IdentifierError for the first that is wrong."""
    return frozenset(identifier(text) for text in texts)


def normal(scheme: str, value: str) -> str:
    """The value as its scheme writes it; of an unknown scheme as it is. Raises IdentifierError."""
    said = f"{scheme}:{value}"
    if not _NAME.fullmatch(scheme):
        raise IdentifierError(
            f"{said[:80]!r}: a scheme is a name of lower-case letters and digits, such as isrc"
        )
    if len(value) > LONGEST or not value.isprintable():
        raise IdentifierError(
            f"{said[:80]!r}: a value is at most {LONGEST} characters, all of them to be seen: correct it"
        )
    try:
        return SCHEMES[scheme](value) if scheme in SCHEMES else value
    except _WrongError as error:
        raise IdentifierError(
            f"{said!r}: {error}: compare it with its source, correct it or leave it out"
        ) from None


def _compact(value: str, separators: str = " -") -> str:
    return value.upper().translate(dict.fromkeys(map(ord, separators)))


def _checked(body: str, given: str, right: str) -> None:
    if given != right:
        raise _WrongError(f"the check digit of {body} is {right}, not {given}")


def _isrc(value: str) -> str:
    try:
        return str(isrc.validate(value))
    except ValidationError:
        form = "country, registrant, year and number, such as USRC17607839"
        raise _WrongError(f"an ISRC is 12 characters: {form}") from None


def _iswc(value: str) -> str:
    """ISO 15707: the check digit makes ``1 + sum(i * digit[i]) + check`` a multiple of 10, i from 1 to 9."""
    found = re.fullmatch(r"T([0-9]{9})([0-9])", _compact(value, " -."))
    if found is None:
        raise _WrongError("an ISWC is T, nine digits and a check digit, such as T-034.524.680-1")
    body, given = found.groups()
    total = 1 + sum(i * int(digit) for i, digit in enumerate(body, 1))
    named = f"T-{body[:3]}.{body[3:6]}.{body[6:]}"
    _checked(named, given, str(-total % 10))
    return f"{named}-{given}"


def _isan(value: str) -> str:
    """ISO 15706: both check characters are ISO 7064 Mod 37, 36; those that were left out are added."""
    bare = re.sub(r"^ISAN", "", _compact(value))
    form = re.fullmatch(r"([0-9A-F]{16})([0-9A-Z]?)(?:([0-9A-F]{8})([0-9A-Z]?))?", bare)
    # 24 digits are both parts without their check characters.
    form = re.fullmatch(r"([0-9A-F]{16})()([0-9A-F]{8})()", bare) or form
    if form is None:
        raise _WrongError(
            "an ISAN is 16 or 24 hexadecimal digits and their check characters, such as 0000-0000-D07A-0090-Q"
        )
    root, first, version, last = (part or "" for part in form.groups())
    for body, given in ((root, first), (root + version, last)):
        if given:
            _checked(body, given, mod_37_36.calc_check_digit(body))
    return str(isan.format(root + version))


def _eidr(value: str) -> str:
    """A DOI of the content registry, 10.5240: its check character is ISO 7064 Mod 37, 36 of the 20 digits."""
    bare = re.sub(r"^(https?://doi\.org/|doi:)", "", value.strip(), flags=re.IGNORECASE)
    found = re.fullmatch(r"10\.5240/([0-9A-F]{20})([0-9A-Z])", _compact(bare))
    if found is None:
        raise _WrongError(
            "an EIDR is 10.5240/, 20 hexadecimal digits and a check character, "
            "such as 10.5240/7791-8534-2C23-9030-8610-5"
        )
    body, given = found.groups()
    groups = "-".join(body[i : i + 4] for i in range(0, 20, 4))
    _checked(groups, given, mod_37_36.calc_check_digit(body))
    return f"10.5240/{groups}-{given}"


def _isbn(value: str) -> str:
    """As ISBN-13, which every ISBN-10 has."""
    try:
        return str(isbn.validate(value, convert=True))
    except InvalidChecksum:
        raise _WrongError(_last(isbn.compact(value))) from None
    except ValidationError:
        raise _WrongError("an ISBN is 10 or 13 digits, such as 978-0-471-11709-4") from None


def _ean(value: str) -> str:
    try:
        return str(ean.validate(value))
    except InvalidChecksum:
        raise _WrongError(_last(ean.compact(value))) from None
    except ValidationError:
        raise _WrongError("an EAN is 8, 12, 13 or 14 digits, such as 5901234123457") from None


def _last(number: str) -> str:
    """What is wrong with a number of an ISBN or EAN."""
    body, given = number[:-1], number[-1]
    if len(number) == 10:
        weighed = sum(i * int(digit) for i, digit in enumerate(body, 1)) % 11
        return f"the check digit of {body} is {'0123456789X'[weighed]}, not {given}"
    return f"the check digit of {body} is {ean.calc_check_digit(body)}, not {given}"


SCHEMES: dict[str, Callable[[str], str]] = {
    "isrc": _isrc,
    "iswc": _iswc,
    "isan": _isan,
    "eidr": _eidr,
    "isbn": _isbn,
    "ean": _ean,
}
