"""AES-128 in CBC mode, enciphering, as FIPS 197 writes it down: slow, and the other way round from what is tested."""

from functools import lru_cache

import numpy as np

from service.streams.aes import round_keys


def _product(a: int, b: int) -> int:
    total = 0
    for bit in range(8):
        total ^= a << bit if b >> bit & 1 else 0
    for bit in range(14, 7, -1):
        total ^= 0x11B << bit - 8 if total >> bit & 1 else 0
    return total


@lru_cache
def _box() -> bytes:
    made = bytearray(256)
    for value in range(256):
        inverse = next((b for b in range(1, 256) if _product(value, b) == 1), 0)
        for bit in range(8):
            parity = sum(inverse >> (bit + turn) % 8 & 1 for turn in (0, 4, 5, 6, 7)) & 1
            made[value] |= (parity ^ 0x63 >> bit & 1) << bit
    return bytes(made)


@lru_cache
def _doubles() -> bytes:
    return bytes(_product(value, 2) for value in range(256))


def _block(state: bytes, keys: list[bytes]) -> bytes:
    box, double = _box(), _doubles()
    state = bytes(a ^ b for a, b in zip(state, keys[0], strict=True))
    for turn in range(1, 11):
        moved = bytes(box[state[(i + 4 * (i % 4)) % 16]] for i in range(16))
        if turn < 10:
            mixed = bytearray()
            for c in range(0, 16, 4):
                a, b, d, e = moved[c : c + 4]
                every = a ^ b ^ d ^ e
                mixed += bytes(x ^ every ^ double[x ^ y] for x, y in ((a, b), (b, d), (d, e), (e, a)))
            moved = bytes(mixed)
        state = bytes(a ^ b for a, b in zip(moved, keys[turn], strict=True))
    return state


def encipher(data: bytes, key: bytes, iv: bytes) -> bytes:
    """AES-128-CBC with PKCS 7 padding."""
    keys = [bytes(k) for k in np.asarray(round_keys(key))]
    padded = data + bytes([16 - len(data) % 16]) * (16 - len(data) % 16)
    out, last = bytearray(), iv
    for i in range(0, len(padded), 16):
        last = _block(bytes(a ^ b for a, b in zip(padded[i : i + 16], last, strict=True)), keys)
        out += last
    return bytes(out)
