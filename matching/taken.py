"""What registering a file needs of it, made by whoever reads the file, stored by whoever holds the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass

from fingerprint.extractor import EXTRACTORS
from fingerprint.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class Taken:
    """What registering a file needs of it: what it is called, its bytes' SHA-256, seconds, fingerprints."""

    name: str
    sha256: str
    duration: float = 0.0
    fingerprints: tuple[Fingerprint, ...] = ()


UNMATCHABLE = "silent or blank throughout: it can never be matched"


def unmatchable(fingerprints: Sequence[Fingerprint]) -> bool:
    """Whether no code of them holds enough to prove a match; of none nothing is known."""
    searched = [fingerprint for fingerprint in fingerprints if fingerprint.algorithm in EXTRACTORS]
    return bool(searched) and all(fingerprint.weak.all() for fingerprint in searched)
