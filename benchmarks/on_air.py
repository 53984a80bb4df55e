"""`whorl watch` against the clock: radios in real time, and live against live.

    python -m benchmarks.on_air [--radios N] [--seconds S] [--delay D]

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
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np

from benchmarks.audio_attacks import RATE, Sound
from benchmarks.copies import excerpt
from benchmarks.corpus import Title, draw, media_folder, originals, seeded, titles
from benchmarks.corpus import strangers as unregistered
from benchmarks.files import read_sound

RESULTS = Path(__file__).parent / "results"
SEGMENT, SHOWN = 2.0, 6  # seconds of a segment, and how many a list shows
QUIET, WORK = 20.0, 20.0  # seconds of nobody's before each work, and of the work


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


def segmented(sound: Sound, folder: Path) -> tuple[list[bytes], list[float]]:
    """A programme's sound as segments, and their lengths."""
    listed = folder / "list.m3u8"
    options = {"hls_time": f"{SEGMENT:g}", "hls_list_size": "0"}
    with av.open(str(listed), "w", format="hls", options=options) as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        for first in range(0, len(sound) - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(sound[None, first : first + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = RATE, first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    lines = listed.read_text().splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    lengths = [float(line[8:].rstrip(",")) for line in lines if line.startswith("#EXTINF")]
    return [(folder / name).read_bytes() for name in names], lengths


def programme(media: Path, known: list[Title], others: list[Title], seconds: float, name: str) -> Sound:
    """Nobody's sound and works by turns."""
    rng, parts = seeded(name, "on air"), list[Sound]()
    while sum(map(len, parts)) < seconds * RATE:
        for some, length in ((others, QUIET), (known, WORK)):
            sound = read_sound(media / some[int(rng.integers(len(some)))].file)
            parts.append(np.resize(excerpt(sound, length, rng)[1], round(length * RATE)))
    return np.concatenate(parts)[: round(seconds * RATE)]


def whorl(data: Path, *arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "service.cli", "--data", str(data), *arguments]


def usage() -> float:
    """CPU seconds of all children that have ended, and theirs."""
    spent = os.times()
    return spent.children_user + spent.children_system


def radios(
    air: Air, url: str, data: Path, programmes: list[tuple[list[bytes], list[float]]], count: int
) -> dict[str, Any]:
    """Many radios in real time: what a second of one costs, what is shed, what was found how late."""
    begun, before = time.time() + 5.0, usage()
    names = [f"radio-{i}" for i in range(count)]
    for i, name in enumerate(names):
        air.programmes[name] = (*programmes[i % len(programmes)], begun)
    seconds = sum(programmes[0][1])
    urls = [f"{url}/{name}/list.m3u8" for name in names]
    command = whorl(data, "watch", *urls, "--allow-host", "127.0.0.1", "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    spent = usage() - before
    started = [e for e in events if e["event"] == "started"]
    waits = [e["stream_time"] - e["segment"]["query_start"] for e in started]
    return {
        "radios": count,
        "seconds": round(seconds, 1),
        "CPU seconds for each of stream": round(spent / (seconds * count), 4),
        "streams that two cores carry": round(2 * seconds * count / spent),
        "started": len(started),
        "started, seconds of stream after the first, p50": round(float(np.median(waits)), 2)
        if waits
        else None,
        "load was shed": "the machine is busy" in done.stderr,
        "errors": sum(e["event"] == "error" for e in events),
    }


def live(
    air: Air, url: str, data: Path, sound: tuple[list[bytes], list[float]], delay: float
) -> dict[str, Any]:
    """A reference on the air, and a stream so many seconds behind it."""
    begun = time.time() + 6.0
    air.programmes |= {"own": (*sound, begun), "behind": (*sound, begun + delay)}
    more = ("--allow-host", "127.0.0.1", "--json")
    own = subprocess.Popen(
        whorl(data, "register", "--live", f"{url}/own/list.m3u8", "--drop", *more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay)
    done = subprocess.run(
        whorl(data, "watch", f"{url}/behind/list.m3u8", *more), capture_output=True, text=True, check=False
    )
    own.wait()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    told = [e["delay"] for e in events if "delay" in e]
    first = next((e for e in events if e["event"] == "started" and "delay" in e), None)
    return {
        "delay": delay,
        "found after seconds of stream": first and first["stream_time"],
        "told": told,
        "error of the last": round(abs(told[-1] - delay), 3) if told else None,
    }


def main() -> None:
    """Measures and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--radios", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--delay", type=float, default=10.0)
    given = parser.parse_args()
    media = media_folder()
    everything = titles(media)
    known = sorted(originals(everything, "audio"), key=lambda t: draw(t.file + "air"))[:10]
    others = unregistered(everything, "audio")
    with tempfile.TemporaryDirectory() as place:
        data, folders = Path(place) / "data", [Path(place) / str(i) for i in range(4)]
        files = [str(media / title.file) for title in known]
        subprocess.run(whorl(data, "register", *files), check=True, stdout=subprocess.DEVNULL)
        made = []
        for folder in folders:
            folder.mkdir()
            made.append(segmented(programme(media, known, others, given.seconds, folder.name), folder))
        air = Air()
        with serving(air) as url:
            figures = {
                "live against live": live(air, url, data, made[0], given.delay),
                "radios": radios(air, url, data, made, given.radios),
            }
    (RESULTS / "on_air.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
