"""Names as they are kept: text that can be stored, whatever bytes a disk calls its files by."""

import re

_LONE = re.compile("[\ud800-\udfff]")
_BYTES = 0xDC00  # what is added to a byte that could not be decoded


def printable(text: str) -> str:
    r"""The text with its undecodable bytes spelt out, such as \xff, so that names that differ in them alone still differ.

    Until then they are lone surrogates, which cannot be stored as text; others of those are spelt out as well.
    """
    return _LONE.sub(_spelt, text)


def _spelt(found: re.Match[str]) -> str:
    code = ord(found[0])
    return rf"\x{code - _BYTES:02x}" if 0x80 <= code - _BYTES <= 0xFF else rf"\u{code:04x}"
