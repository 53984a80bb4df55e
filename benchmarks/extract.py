"""Makes fingerprints of the files named on the standard input, one a line, and throws them away: what is timed.

python -m benchmarks.extract whorl|vpdq
"""

import sys
from pathlib import Path

import av


def whorl(path: Path) -> None:
    """Whorl's reference codes of the file's first kind."""
    from fingerprint.extractor import EXTRACTORS
    from fingerprint.media import open_media

    with open_media(path) as media:
        kind = "video" if "video" in media.kinds else "audio"
        next(e for e in (make() for make in EXTRACTORS.values()) if e.kind == kind).reference(media)


def vpdq(path: Path) -> None:
    """A PDQ hash a second of a picture of 512 x 512, as vPDQ makes them."""
    import pdqhash

    due = 0.0
    with av.open(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            if float(frame.time or 0.0) >= due:
                pdqhash.compute(frame.to_ndarray(format="rgb24", width=512, height=512))
                due += 1.0


def main() -> None:
    """All files, one after the other, in one process."""
    make = {"whorl": whorl, "vpdq": vpdq}[sys.argv[1]]
    for line in sys.stdin:
        make(Path(line.rstrip("\n")))


if __name__ == "__main__":
    main()
