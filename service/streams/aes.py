"""AES-128 in CBC mode, deciphering only, for keys that playlists hand out. FIPS 197; NIST SP 800-38A.

Written in NumPy, all blocks at once: deciphering a block in CBC mode needs no other block deciphered. It is not meant to
keep a secret from whoever measures its time; keys here are public.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

BLOCK = 16
AT_ONCE = 1 << 14  # blocks
# Where the byte at each place of a state came from before its rows were shifted: column c of row r goes to c + r.
_UNSHIFTED = np.array([(i - 4 * (i % 4)) % 16 for i in range(16)])


def decipher(data: bytes, key: bytes, iv: bytes) -> bytes:
    """The plain text of AES-128-CBC with PKCS 7 padding. Raises ValueError for what is none."""
    if len(key) != BLOCK or len(iv) != BLOCK:
        raise ValueError("a key and an initialisation vector have 16 bytes")
    if not data or len(data) % BLOCK:
        raise ValueError("is not whole blocks of 16 bytes")
    blocks = np.frombuffer(data, np.uint8).reshape(-1, BLOCK)
    before = np.concatenate([np.frombuffer(iv, np.uint8)[None], blocks[:-1]])
    keys = round_keys(key)
    plain = np.concatenate([_inverse(blocks[i : i + AT_ONCE], keys) for i in range(0, len(blocks), AT_ONCE)])
    return _unpadded((plain ^ before).tobytes())


def _unpadded(padded: bytes) -> bytes:
    count = padded[-1]
    if not 1 <= count <= BLOCK or padded[-count:] != bytes([count]) * count:
        raise ValueError("is not padded as deciphered data are: the key is another one")
    return padded[:-count]


def _inverse(blocks: Bytes, keys: Bytes) -> Bytes:
    """Blocks (n, 16) deciphered one by one."""
    _, inverse = _boxes()
    state = blocks ^ keys[10]
    for turn in range(9, -1, -1):
        state = inverse[state[:, _UNSHIFTED]] ^ keys[turn]
        if turn:
            state = _unmixed(state)
    return np.asarray(state)


def _unmixed(state: Bytes) -> Bytes:
    """Columns multiplied by 14, 11, 13, 9 in the field, as InvMixColumns does."""
    made = np.zeros_like(state)
    columns, out = state.reshape(-1, 4, 4), made.reshape(-1, 4, 4)
    for row in range(4):
        for source in range(4):
            out[:, :, row] ^= _times((14, 11, 13, 9)[(source - row) % 4])[columns[:, :, source]]
    return made


def round_keys(key: bytes) -> Bytes:
    """The eleven round keys (11, 16) of a key."""
    box, _ = _boxes()
    words = [np.frombuffer(key, np.uint8)[i : i + 4] for i in range(0, 16, 4)]
    constant = 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = box[np.roll(word, -1)] ^ np.array([constant, 0, 0, 0], np.uint8)
            constant = _doubled(constant)
        words.append(words[i - 4] ^ word)
    return np.concatenate(words).reshape(11, 16)


def _doubled(value: int) -> int:
    return (value << 1 ^ 0x1B) & 0xFF if value & 0x80 else value << 1


def _product(a: int, b: int) -> int:
    """In GF(2**8) modulo x**8 + x**4 + x**3 + x + 1."""
    total = 0
    while b:
        total ^= a if b & 1 else 0
        a, b = _doubled(a), b >> 1
    return total


@lru_cache
def _times(factor: int) -> Bytes:
    return np.array([_product(value, factor) for value in range(256)], np.uint8)


@lru_cache
def _boxes() -> tuple[Bytes, Bytes]:
    """The substitution box and its inverse."""
    box = np.zeros(256, np.uint8)
    inverses = {a: next((b for b in range(256) if _product(a, b) == 1), 0) for a in range(256)}
    for value, inverse in inverses.items():
        turned = [(inverse << n | inverse >> 8 - n) & 0xFF for n in range(5)]
        box[value] = turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63
    back = np.zeros(256, np.uint8)
    back[box] = np.arange(256)
    return box, back
