"""The service under load and under fire: an upload's way to its answer, fingerprints by 16 clients, kill -9 at random.

    python -m benchmarks.service [--data DIR] [--seconds N] [--kills N] [clips] [fingerprints] [kills]

Drives `whorl serve` as users do, over HTTP, with all of the media registered in DIR (done first where it is empty).
Writes ``service.json`` into ``benchmarks/results``. Beside each figure stand the load of the machine and the CPU seconds of
the service: on a busy machine the latter say what a quiet one would do.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.accuracy import RESULTS
from benchmarks.audio_attacks import RATE
from benchmarks.corpus import media_folder, seeded, titles
from benchmarks.files import read_pictures, read_sound, write_mp4, write_opus
from benchmarks.served import Served, started
from benchmarks.service_kills import killed
from benchmarks.service_rows import required
from benchmarks.taken import noted

CLIPS = 30  # of 10 s: two thirds are sound
SECONDS = 10.0
CLIENTS = 16
FINGERPRINT = "application/vnd.whorl.fingerprint"
SEED = 20261126  # of when the service is killed


def clips(media: Path, folder: Path) -> list[Path]:
    """Copies of 10 s of registered files, encoded anew."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = [title for title in titles(media) if title.seconds >= SECONDS + 1]
    for kind, count in (("audio", CLIPS * 2 // 3), ("video", CLIPS // 3)):
        chosen = [title for title in everything if title.kind == kind]
        for number, at in enumerate(seeded("service", kind).permutation(len(chosen))[:count]):
            title = chosen[int(at)]
            start = float(seeded(title.file).uniform(0, title.seconds - SECONDS))
            path = folder / f"{kind}-{number}.{'opus' if kind == 'audio' else 'mp4'}"
            if path.exists():
                continue
            if kind == "audio":
                sound = read_sound(media / title.file)
                write_opus(path, sound[round(start * RATE) :][: round(SECONDS * RATE)], 64_000)
            else:
                shown = read_pictures(media / title.file, 480, start, start + SECONDS)
                write_mp4(path, [(t - shown[0][0], picture) for t, picture in shown], 23)
    return sorted(folder.iterdir())


def upload_to_answer(served: Served, paths: list[Path]) -> dict[str, Any]:
    """Seconds from the first byte of an upload to its answer, one at a time, the worker warm."""
    taken, found, worked = [], 0, served.cpu()
    with served.client() as client:
        for path in [paths[0], *paths]:
            begun = time.monotonic()
            job = client.post("/v1/matches", files={"file": (path.name, path.read_bytes())}).json()
            while (now := client.get(f"/v1/jobs/{job['id']}").json())["state"] in ("queued", "running"):
                time.sleep(0.02)
            taken.append(time.monotonic() - begun)
            found += client.get(f"/v1/matches/{now['match']}").json()["status"] in ("match", "review")
    taken = sorted(taken[1:])  # the first warms up
    return {
        "clips": len(taken), "found": found - 1, "p50": round(statistics.median(taken), 3),
        "p90": round(taken[int(0.9 * len(taken))], 3), "cpu_seconds_each": round((served.cpu() - worked) / len(taken), 3),
        "load": os.getloadavg(),
    }  # fmt: skip


def by_fingerprint(served: Served, paths: list[Path], folder: Path, seconds: float) -> dict[str, Any]:
    """Answers a second and their latency, CLIENTS asking at once without a pause."""
    bodies = [_fingerprint(path, folder) for path in paths]
    asyncio.run(_asked(served, bodies, 5.0))  # warms up
    before, worked, begun = served.resident(), served.cpu(), time.monotonic()
    answers = asyncio.run(_asked(served, bodies, seconds))
    elapsed = time.monotonic() - begun
    times = sorted(seconds for seconds, _, _ in answers)
    return {
        "clients": CLIENTS, "seconds": round(elapsed, 1), "answers": len(times),
        "bytes_each": sum(map(len, bodies)) // len(bodies),
        "answers_a_second": round(len(times) / elapsed, 1),
        "errors": sum(status != 200 for _, status, _ in answers), "found": sum(hit for _, _, hit in answers),
        "p50": round(statistics.median(times), 3), "p99": round(times[int(0.99 * len(times))], 3),
        "cpu_seconds_each": round((served.cpu() - worked) / len(times), 4),
        "resident_before": before, "resident_after": served.resident(), "load": os.getloadavg(),
    }  # fmt: skip


def _fingerprint(path: Path, folder: Path) -> bytes:
    place = folder / f"{path.name}.whorl"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "service.cli", "fingerprint", str(path), "--query", "-o", str(place)]
        subprocess.run(command, check=True, capture_output=True)
    return place.read_bytes()


async def _asked(served: Served, bodies: list[bytes], seconds: float) -> list[tuple[float, int, bool]]:
    """(seconds, status, whether something was found) of every answer."""
    until = time.monotonic() + seconds
    answers: list[tuple[float, int, bool]] = []

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        while time.monotonic() < until:
            body = bodies[(number := number + 1) % len(bodies)]
            begun = time.monotonic()
            head = (
                f"POST /v1/matches/fingerprint HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {served.key}\r\n"
                f"Content-Type: {FINGERPRINT}\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            said = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(said.split("content-length: ")[1].split("\r\n")[0])
            answer = await reader.readexactly(length)
            answers.append((time.monotonic() - begun, int(said.split(" ")[1]), b'"status":"match"' in answer))
        writer.close()

    await asyncio.gather(*(one(number * 7) for number in range(CLIENTS)))
    return answers


@contextmanager
def _copied(data: Path) -> Iterator[Path]:
    """A data directory with the same catalog, so that what is measured leaves nothing in it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "data"
        shutil.copytree(data, copy, ignore=shutil.ignore_patterns("uploads", "workers", "jobs.db*"))
        yield copy


def main() -> None:
    """Measures what is named, or everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["clips", "fingerprints", "kills"])
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "whorl-service")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--kills", type=int, default=100)
    given = parser.parse_args()
    media = media_folder()
    if not (given.data / "catalog.db").exists():
        command = [sys.executable, "-m", "service.cli", "--data", str(given.data), "register"]
        subprocess.run([*command, str(media / "audio"), str(media / "video")], check=True)
    paths = clips(media, given.data.with_name(given.data.name + "-clips"))
    place = RESULTS / "service.json"

    def note(what: str, figures: dict[str, Any]) -> None:
        known = json.loads(place.read_text()) if place.exists() else {}
        known = noted(known | {what: figures}, what, SEED)
        place.write_text(json.dumps(known | {"required": required(known)}, indent=1) + "\n")
        print(json.dumps({what: figures}, indent=1), flush=True)

    with _copied(given.data) as data:
        if {"clips", "fingerprints"} & set(given.what):
            with started(data, workers=1) as served:
                if "clips" in given.what:
                    note("clips", upload_to_answer(served, paths))
                if "fingerprints" in given.what:
                    folder = given.data.with_name(given.data.name + "-fingerprints")
                    note("fingerprints", by_fingerprint(served, paths, folder, given.seconds))
        if "kills" in given.what:
            note("kills", killed(data, paths, given.kills, random.Random(SEED)))


if __name__ == "__main__":
    main()
