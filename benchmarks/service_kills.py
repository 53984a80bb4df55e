"""kill -9 of the API or of a worker at random moments under load: what was accepted, and what became of it."""

import base64
import hashlib
import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.served import Served, started, stated

WORKERS = 2
WAITING = 12  # unfinished jobs at most: more only wait
PIECE, UPLOAD = 32 << 10, 2 << 20  # bytes
TUS = {"Tus-Resumable": "1.0.0"}
ENDING = 900.0  # seconds that the last jobs may take to end


@dataclass
class Tally:
    """What happened; the last five must stay 0."""

    kills_of_the_api: int = 0
    kills_of_a_worker: int = 0
    accepted: int = 0
    done: int = 0
    failed: int = 0
    uploads: int = 0
    acknowledged_bytes: int = 0
    never_ended: int = 0
    ended_twice: int = 0
    without_an_answer: int = 0
    lost_bytes: int = 0
    wrong_bytes: int = 0
    errors: list[str] = field(default_factory=list)


class Load:
    """Clients that hand in clips, and upload in small pieces, whatever happens to the service."""

    def __init__(self, served: Served, paths: list[Path]) -> None:
        self._served, self._paths = served, paths
        self.tally, self.accepted = Tally(), dict[str, str]()
        self.over = threading.Event()
        self._threads = [threading.Thread(target=one) for one in (self._hand_in, self._upload)]

    def __enter__(self) -> "Load":
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for one in self._threads:
            one.join()

    def _hand_in(self) -> None:
        number = 0
        with self._served.client() as client:
            while not self.over.is_set():
                number += 1
                path, name = (
                    self._paths[number % len(self._paths)],
                    f"clip-{number:05}{self._paths[0].suffix}",
                )
                with suppress(httpx.TransportError, KeyError, ValueError):
                    if len(client.get("/v1/jobs?state=queued").json()["items"]) >= WAITING:
                        time.sleep(0.2)
                        continue
                    answer = client.post("/v1/matches", files={"file": (name, path.read_bytes())})
                    if answer.status_code == 202:
                        self.accepted[answer.json()["id"]] = name
                time.sleep(0.05)

    def _upload(self) -> None:
        rng = random.Random(7)
        with self._served.client() as client:
            while not self.over.is_set():
                with suppress(httpx.TransportError, KeyError):
                    made = client.post("/v1/uploads", headers={**TUS, "Upload-Length": str(UPLOAD)})
                    self._sent(client, made.headers["Location"], rng.randbytes(UPLOAD))

    def _sent(self, client: httpx.Client, place: str, data: bytes) -> None:
        """One upload to its end, going on after each break from where the service says it stands."""
        acknowledged = 0
        while acknowledged < len(data) and not self.over.is_set():
            try:
                at = int(client.head(place, headers=TUS).headers["Upload-Offset"])
                self.tally.lost_bytes += max(0, acknowledged - at)
                while at < len(data) and not self.over.is_set():
                    piece = data[at : at + PIECE]
                    proof = base64.b64encode(hashlib.sha256(piece).digest()).decode()
                    headers = {**TUS, "Upload-Offset": str(at), "Upload-Checksum": f"sha256 {proof}"}
                    headers["Content-Type"] = "application/offset+octet-stream"
                    answer = client.patch(place, content=piece, headers=headers)
                    if answer.status_code != 204:
                        break
                    acknowledged = at = int(answer.headers["Upload-Offset"])
            except (httpx.TransportError, KeyError):
                time.sleep(0.1)
        self.tally.acknowledged_bytes += acknowledged
        if acknowledged == len(data):
            self.tally.uploads += 1
            right = stated(client, place)["sha256"] == hashlib.sha256(data).hexdigest()
            self.tally.wrong_bytes += 0 if right else len(data)
            with suppress(httpx.TransportError):
                client.delete(place, headers=TUS)


def killed(data: Path, paths: list[Path], kills: int, rng: random.Random) -> dict[str, Any]:
    """Kills under load, then waits for every accepted job to end."""
    begun = time.monotonic()
    sounds = [path for path in paths if path.suffix == ".opus"]
    with started(data, WORKERS) as served:
        with Load(served, sounds) as load:
            for _ in range(kills):
                time.sleep(rng.uniform(0.2, 4.0))
                _one_kill(served, load.tally, rng)
        _judged(served, load)
    load.tally.accepted = len(load.accepted)
    return asdict(load.tally) | {"seconds": round(time.monotonic() - begun), "load": os.getloadavg()}


def _one_kill(served: Served, tally: Tally, rng: random.Random) -> None:
    workers = served.workers()
    if workers and rng.random() < 0.6:
        with suppress(ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)
            tally.kills_of_a_worker += 1
    else:
        served.kill()
        tally.kills_of_the_api += 1
        served.start()


def _judged(served: Served, load: Load) -> None:
    """Every accepted job must be over, once, and a done one have its one answer."""
    tally, deadline = load.tally, time.monotonic() + ENDING
    with served.client() as client:
        for job_id, name in load.accepted.items():
            while (job := stated(client, f"/v1/jobs/{job_id}")).get("state") in ("queued", "running"):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.2)
            tally.done += job.get("state") == "done"
            tally.failed += job.get("state") == "failed"
            if job.get("state") == "failed":
                tally.errors.append(f"{job['error']['code']}: {job['error']['message']}"[:200])
            tally.never_ended += job.get("state") not in ("done", "failed")
            answers = len(stated(client, f"/v1/matches?q={name}")["items"])
            tally.ended_twice += answers > 1
            tally.without_an_answer += job.get("state") == "done" and answers != 1
