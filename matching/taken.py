"""What registering a file needs of it, made by whoever reads the file, stored by whoever holds the catalog."""

from dataclasses import dataclass

from fingerprint.fingerprint import Fingerprint


@dataclass(frozen=True, slots=True)
class Taken:
    """What registering a file needs of it: what it is called, its bytes' SHA-256, seconds, fingerprints."""

    name: str
    sha256: str
    duration: float = 0.0
    fingerprints: tuple[Fingerprint, ...] = ()
