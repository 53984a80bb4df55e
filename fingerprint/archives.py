"""Archives, by a header that holds together: what is packed in them is not media, even where a decoder would find some."""

from fingerprint.stills import Read

_MARKS = {
    b"PK\x03\x04": "ZIP",
    b"PK\x05\x06": "ZIP",
    b"PK\x07\x08": "ZIP",
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b\x08": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_BLOCK = b"1AY&SY"  # begins the first block of bzip2, behind one digit
_DISC = 32769  # where the first descriptor of a disc's file system names its kind
_DISCS = (b"CD001", b"BEA01")  # ISO 9660, UDF
_SUM = slice(148, 156)  # of the header of a member of a tar: the sum of its bytes, in octal


def archive(head: bytes) -> str:
    """The kind of archive that begins with ``head``; empty for anything else."""
    if _is_tar(head):
        return "tar"
    kind = next((kind for mark, kind in _MARKS.items() if head.startswith(mark)), "")
    return "" if kind == "bzip2" and head[4:10] != _BLOCK else kind


def disc(read: Read) -> str:
    """The same of the image of a disc, which begins with 32 KiB of anything."""
    return "image of a disc" if read(_DISC, 5) in _DISCS else ""


def _is_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a member's header: its checksum counts itself as eight spaces."""
    header = head[:512]
    digits = header[_SUM].strip(b" \0")
    if len(header) < 512 or not digits or digits.strip(b"01234567"):
        return False
    return sum(header) - sum(header[_SUM]) + 8 * ord(" ") == int(digits, 8)
