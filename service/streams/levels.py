"""What is left out while there is too much to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """What is done under load: seconds of stream between two looks, what is decoded, and how people are told."""

    step: float
    mode: str
    words: str


LEVELS = (
    Level(1.0, "all", "everything is examined"),
    Level(2.0, "all", "the machine is busy: disguises are not tried"),
    Level(
        3.0, "key", "the machine is busy: disguises are not tried, and only key frames and sound are examined"
    ),
    Level(4.0, "sound", "the machine is busy: disguises are not tried, and only sound is examined"),
)
