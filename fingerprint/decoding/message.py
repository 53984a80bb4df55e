"""What a child sends to its parent: a kind, a length and a payload.

E  the end of an answer: JSON         A  sound: s16 mono at 8 kHz
X  an error: JSON [code, reason]      V  pictures: count, (milliseconds, orientation) of each, luma of each
P  still at work                      I  one RGB picture: width, height, orientation, then its bytes
F  what an endless stream holds: JSON J  its clock was set anew: JSON
B  at which byte of it which second is: JSON
"""

import json
import struct
from typing import Any

Message = tuple[bytes, bytes]

HEADER = struct.Struct("<cI")
COUNT = struct.Struct("<I")
FRAME = struct.Struct("<iB")
PICTURE = struct.Struct("<IIB")

ALIVE: Message = (b"P", b"")


def end(**facts: Any) -> Message:
    """The end of an answer."""
    return b"E", json.dumps(facts).encode()


def told(kind: bytes, **facts: Any) -> Message:
    """Facts about an endless stream."""
    return kind, json.dumps(facts).encode()


def failure(code: str, reason: str) -> Message:
    """An error: a word for programs, and the reason in words that follow the file's name."""
    return b"X", json.dumps([code, reason]).encode()
