"""Open peers and the codes they make of a file. What a peer needs is named, and is asked for before it is measured.

A whole-file hash knows no excerpts and a frame's hash no time, so all get the alignment of ``benchmarks.peer_search``.
"""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]  # (n, bytes), at equal steps of time
Found = tuple[str, float]  # the likest file, and how like it is
Answers = dict[str, Found | None]  # of each query; None where the peer could not read it
Note = Callable[[str], None]

NOTHING: Found = ("", -np.inf)
FRAME_RATE = 4  # pictures a second that are hashed
HELD = 8  # slots of time at most that one picture stands for
LINES = 256  # of the pictures that are hashed


class PeerError(Exception):
    """A peer could not read a file."""


def printed(command: list[str], folder: Path | None = None, done_with: tuple[int, ...] = (0,)) -> str:
    """What a program prints. Raises PeerError where its exit status is not one that it is done with."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode not in done_with:
        raise PeerError(f"{command[0]} failed: {done.stderr.strip()[-200:]}")
    return done.stdout


def chromaprint(path: Path) -> Codes:
    """32 bits every 0.124 s, by ``fpcalc``.

    At the end of each Opus file fpcalc 1.5.1 prints the whole fingerprint and exits with 3; where it read nothing, with 2.
    """
    told = printed(["fpcalc", "-raw", "-json", "-length", "0", str(path)], done_with=(0, 3))
    if not told:
        raise PeerError(f"fpcalc printed no fingerprint of {path.name}")
    return np.array(json.loads(told)["fingerprint"], np.uint32).view(np.uint8).reshape(-1, 4)


def _pictures(path: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """FRAME_RATE pictures a second, RGB, each with the number of slots of time it stands for."""
    slot = -1
    with av.open(path) as container:
        for frame in container.decode(video=0):
            now = int(float(frame.time or 0.0) * FRAME_RATE + 1e-3)
            if now > slot:
                width = max(2, round(frame.width * LINES / frame.height))
                pixels = frame.to_ndarray(format="rgb24", width=width, height=LINES)
                yield now - max(slot, now - HELD), np.asarray(pixels, np.uint8)
                slot = now


def perceptual_hashes(path: Path) -> Codes:
    """64 bits a picture, by ``imagehash.phash``."""
    import imagehash
    from PIL import Image

    found = [
        [np.packbits(imagehash.phash(Image.fromarray(picture)).hash.ravel())] * slots
        for slots, picture in _pictures(path)
    ]
    return np.array([code for codes in found for code in codes], np.uint8).reshape(-1, 8)


def pdq_hashes(path: Path) -> Codes:
    """256 bits a picture, by ``pdqhash.compute``: what vPDQ makes of a file."""
    import pdqhash

    found = [
        [np.packbits(pdqhash.compute(picture)[0].astype(np.uint8))] * slots
        for slots, picture in _pictures(path)
    ]
    return np.array([code for codes in found for code in codes], np.uint8).reshape(-1, 32)


def mpeg7_signatures(path: Path) -> Codes:
    """The 380 elements of a picture's fine signature, by FFmpeg's filter ``signature``, in two bits each.

    An element is 0, 1 or 2 and two signatures are compared by the sum of their differences: in the bits 00, 01, 11 that is
    the number of bits that differ.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = f"fps={FRAME_RATE},signature=format=xml:filename=signature.xml"
        printed(["ffmpeg", "-v", "error", "-nostdin", "-i", str(path.resolve()), "-an", "-vf", asked, "-f", "null", "-"],
                Path(folder))  # fmt: skip
        return signature_codes((Path(folder) / "signature.xml").read_text())


def signature_codes(xml: str) -> Codes:
    """(n, 95): the fine signatures of an MPEG-7 description."""
    told = re.findall(r"<FrameSignature>([\d\s]*)</FrameSignature>", xml)
    elements = np.array([text.split() for text in told], np.uint8).reshape(len(told), -1)
    return np.packbits(np.stack([elements >= 2, elements >= 1], axis=2).reshape(len(told), -1), axis=1)


def whole_hash(path: Path) -> Codes:
    """(1, 8): 64 bits of a whole file, by ``videohash2``."""
    from videohash2 import VideoHash

    bits = VideoHash(path=str(path)).hash.removeprefix("0b")
    return np.array([[int(bits[i : i + 8], 2) for i in range(0, 64, 8)]], np.uint8)


def lacking(programs: Iterable[str], modules: Iterable[str], install: str) -> str:
    """Which of the programs and modules are not there, and how to get them; empty where all are. "" is always there."""
    names = [name for name in programs if name and not shutil.which(name)]
    names += [name for name in modules if name and find_spec(name) is None]
    return f"{' and '.join(names)} not found: {install}" if names else ""


@dataclass(frozen=True, slots=True)
class Peer:
    """How a peer makes codes of a kind of media, and what it needs to be there.

    program, module  what must be there; "" where nothing must
    install          how to get it
    fewest           codes of a file without which nothing is compared
    """

    kind: str
    codes: Callable[[Path], Codes]
    program: str = ""
    module: str = ""
    install: str = ""
    fewest: int = 4

    @property
    def missing(self) -> str:
        """Why it cannot be measured here; empty where it can."""
        return lacking([self.program], [self.module], self.install)


PEERS = {
    "chromaprint": Peer(
        "audio", chromaprint, "fpcalc", install="on Debian, apt install libchromaprint-tools"
    ),
    "imagehash": Peer("video", perceptual_hashes, module="imagehash", install="pip install '.[bench]'"),
    "mpeg7": Peer("video", mpeg7_signatures, "ffmpeg", install="on Debian, apt install ffmpeg"),
    "vpdq": Peer("video", pdq_hashes, module="pdqhash", install="pip install pdqhash (it compiles)"),
    "videohash": Peer(
        "video", whole_hash, "ffmpeg", "videohash2", "apt install ffmpeg; pip install videohash2", 1
    ),
}
