"""Names as they are kept: text that can be stored, whatever bytes a disk calls its files by."""


def printable(text: str) -> str:
    """The text without lone surrogates, which stand for undecodable bytes: no Unicode text has them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
