"""`whorl watch` against the clock: radios and television in real time, and live against live.

    python -m benchmarks.on_air [--radios N] [--televisions N] [--seconds S] [--delays D...]

A server of this machine puts programmes on the air as HLS, a segment when it is complete. What watching costs is measured
in CPU seconds of all its processes, for other work on the machine counts little there. Writes ``on_air.json`` into
``benchmarks/results``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.audio_attacks import Sound
from benchmarks.corpus import Title, draw, media_folder, originals, titles
from benchmarks.corpus import strangers as unregistered
from benchmarks.programmes import SCENE, SEGMENT, Picture, Segments, radio, segmented, television
from benchmarks.stream_rows import required
from benchmarks.taken import noted

RESULTS = Path(__file__).parent / "results"
SHOWN = 6  # segments that a list shows


class Air:
    """Programmes by name: segments, their lengths, and when the first second was on the air."""

    def __init__(self) -> None:
        self.programmes: dict[str, tuple[list[bytes], list[float], float]] = {}

    def answer(self, path: str) -> bytes | None:
        """What lies at "/NAME/list.m3u8" or "/NAME/NUMBER.ts" now."""
        name, _, file = path.split("?")[0].strip("/").partition("/")
        if name not in self.programmes:
            return None
        segments, lengths, begun = self.programmes[name]
        ready = int(np.searchsorted(np.cumsum(lengths), time.time() - begun, side="right"))
        if file.endswith(".ts"):
            number = file.removesuffix(".ts")
            return segments[int(number)] if number.isdecimal() and int(number) < ready else None
        first = max(0, ready - SHOWN)
        lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{SEGMENT + 0.5:.0f}", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
        for i in range(first, ready):
            lines += [f"#EXTINF:{lengths[i]:.5f},", f"{i}.ts"]
        return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if ready == len(segments) else [])]).encode()


@contextmanager
def serving(air: Air) -> Iterator[str]:
    """The programmes on a port of the loopback; gives their address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = air.answer(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *arguments: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def whorl(data: Path, *arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "service.cli", "--data", str(data), *arguments]


def usage() -> float:
    """CPU seconds of all children that have ended, and theirs."""
    spent = os.times()
    return spent.children_user + spent.children_system


def watched(
    air: Air, url: str, data: Path, programmes: list[Segments], count: int, *more: str
) -> dict[str, Any]:
    """Many streams in real time: what a second of one costs, what is shed, what was found how late."""
    begun, before = time.time() + 5.0, usage()
    names = [f"stream-{i}" for i in range(count)]
    for i, name in enumerate(names):
        air.programmes[name] = (*programmes[i % len(programmes)], begun)
    seconds = sum(programmes[0][1])
    urls = [f"{url}/{name}/list.m3u8" for name in names]
    command = whorl(data, "watch", *urls, "--allow-host", "127.0.0.1", "--json", *more)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    spent = usage() - before
    started = [e for e in events if e["event"] == "started"]
    waits = [e["stream_time"] - e["segment"]["query_start"] for e in started]
    return {
        "streams": count,
        "seconds": round(seconds, 1),
        "CPU seconds for each of stream": round(spent / (seconds * count), 4),
        "streams that two cores carry": round(2 * seconds * count / spent),
        "started": len(started),
        "started, seconds of stream after the first": spread(waits),
        "shed": sorted(
            {line.partition("the machine is busy: ")[2] for line in done.stderr.splitlines()} - {""}
        ),
        "errors": sum(e["event"] == "error" for e in events),
    }


def spread(values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 95)} if values else {}


def live(air: Air, url: str, data: Path, own: Segments, other: Segments, delay: float) -> dict[str, Any]:
    """A reference on the air, and a stream so many seconds behind it."""
    begun = time.time() + 8.0
    here, there = f"own-{delay:g}", f"behind-{delay:g}"
    air.programmes |= {here: (*own, begun), there: (*other, begun + delay)}
    more = ("--allow-host", "127.0.0.1", "--json")
    with subprocess.Popen(
        whorl(data, "register", "--live", f"{url}/{here}/list.m3u8", "--drop", *more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as recording:
        time.sleep(max(0.0, begun + delay - 2.0 - time.time()))
        done = subprocess.run(
            whorl(data, "watch", f"{url}/{there}/list.m3u8", *more),
            capture_output=True,
            text=True,
            check=False,
        )
        recording.wait()
    events = [e for e in map(json.loads, done.stdout.splitlines()) if "delay" in e]
    errors = [abs(e["delay"] - delay) for e in events]
    return {
        "delay": delay,
        "found after seconds of stream": events[0]["stream_time"] if events else None,
        "told": [e["delay"] for e in events],
        "within 0.2 s": sum(error <= 0.2 for error in errors),
        "error of the last": round(errors[-1], 3) if errors else None,
    }


def disguised(picture: Picture) -> Picture:
    """Mirrored, and a tenth cut off, half of it on each side."""
    height, width = picture.shape[:2]
    cut = picture[height // 20 : height - height // 20, width // 20 : width - width // 20, :]
    return np.asarray(cv2.resize(cut[:, ::-1], (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Measures and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--radios", type=int, default=100)
    parser.add_argument("--televisions", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--delays", type=float, nargs="*", default=[5.0, 30.0, 120.0])
    given = parser.parse_args()
    media = media_folder()
    everything = titles(media)
    known, others = (
        {kind: _drawn(some(everything, kind)) for kind in ("audio", "video")}
        for some in (originals, unregistered)
    )
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        files = [str(media / title.file) for kind in known for title in known[kind]]
        subprocess.run(whorl(data, "register", *files), check=True, stdout=subprocess.DEVNULL)

        def sound(name: str) -> Sound:
            return radio(media, known["audio"], others["audio"], given.seconds, name)

        def pictures(name: str) -> Iterator[Picture]:
            return television(media, known["video"], others["video"], given.seconds, name)

        def rendered(name: str, *made: Any) -> Segments:
            folder = Path(place) / name
            folder.mkdir()
            return segmented(folder, *made)

        heard = [rendered(f"radio-{i}", sound(f"radio-{i}")) for i in range(4)]
        seen = [rendered(f"tv-{i}", sound(f"tv-{i}"), pictures(f"tv-{i}")) for i in range(4)]
        mute = [
            rendered(f"mute-{i}", None, pictures("mute"), change)
            for i, change in enumerate((plain, disguised))
        ]
        both = rendered("both", sound("tv-0"), pictures("tv-0"), disguised)
        air = Air()
        with serving(air) as url:
            rows = [("pictures and sound", seen[0], both), ("pictures alone", mute[0], mute[1])]
            for name, own, other in rows if given.delays else ():
                asked = partial(live, air, url, data, own, other)
                with ThreadPoolExecutor() as pool:
                    figures[f"live against live, mirrored and cropped, {name}"] = list(
                        pool.map(asked, given.delays)
                    )
            if given.radios:
                figures["radios"] = watched(air, url, data, heard, given.radios)
            if given.televisions:
                figures["televisions"] = watched(air, url, data, seen, given.televisions)
    path = RESULTS / "on_air.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    for part in figures:
        before = noted(before, part)
    figures = {**before, **figures}
    path.write_text(json.dumps({**figures, "required": required(figures)}, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


def plain(picture: Picture) -> Picture:
    """As it is."""
    return picture


def _drawn(some: list[Title]) -> list[Title]:
    return sorted((t for t in some if t.seconds >= SCENE), key=lambda t: draw(t.file + "air"))[:12]


if __name__ == "__main__":
    main()
