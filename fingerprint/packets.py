"""Streams of packets and frames that have no header: known by marks that come again at the distance they announce."""

import re

# Five packets in a row of a transport stream: bare, of discs, with error correction. The second byte has no error bit, and
# in the fourth a packet says that it holds something.
_PACKET = rb"G[\x00-\x7f][\x00-\xff][\x10-\x3f\x50-\x7f\x90-\xbf\xd0-\xff]"
_TRANSPORT = tuple(
    re.compile(_PACKET + (rb"[\x00-\xff]{%d}" % (size - 4) + _PACKET) * 4) for size in (188, 192, 204)
)
# Layer 1 is not sought: nobody uses it, and tables in programs look like it.
_FRAME = re.compile(rb"\xff[\xe2-\xe5\xf0-\xf5\xf8-\xfd]")
_FRAMES = 6  # of sound that must follow each other: chance finds fewer in any large file

_MP3_RATES = (44100, 48000, 32000)
_MP3_KBITS = {  # (version 1, layer) -> kbit/s by their code
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def begins(data: bytes) -> bool:
    """Whether two frames of sound follow each other at the very beginning."""
    return _follow(data, 0, 2)


def holds(data: bytes) -> bool:
    """Whether packets of a transport stream or frames of sound begin anywhere: something may stand in front of them."""
    if any(pattern.search(data) for pattern in _TRANSPORT):
        return True
    return any(_follow(data, found.start(), _FRAMES) for found in _FRAME.finditer(data))


def _follow(data: bytes, place: int, count: int) -> bool:
    """Whether so many frames of one kind follow each other from ``place`` on."""
    kinds = set()
    for _ in range(count):
        head = data[place : place + 7]
        length = _frame_length(head)
        if not length:
            return False
        kinds.add((head[1], head[2] & 0x0C, head[3] & 0xC0))  # version and layer, rate, channels
        place += length
    return len(kinds) == 1


def _frame_length(head: bytes) -> int:
    """Bytes of the frame of MPEG audio or AAC (ADTS) that begins here; 0 where none does."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    if head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        return length if length > 7 else 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, kbits, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or kbits in (0, 15):
        return 0
    hertz = _MP3_RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    bits = 1000 * _MP3_KBITS[version == 3, layer][kbits]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding
