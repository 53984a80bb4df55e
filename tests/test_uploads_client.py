"""Resumable uploads with the protocol's own client, tus-js-client, over a line that breaks."""

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs
import pytest
import uvicorn
from fastapi import FastAPI

from tests.service import client, key_of, served

VERSION = "4.3.1"
SCRIPT = """
const fs = require('fs'), tus = require('tus-js-client')
const [endpoint, key, path, breaks] = process.argv.slice(2)
let aborted = breaks !== 'breaks'
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint, uploadSize: fs.statSync(path).size, chunkSize: 256 * 1024, retryDelays: [50, 100, 200],
  headers: {Authorization: 'Bearer ' + key}, metadata: {filename: 'seized drive.mkv'},
  onError: error => { console.error(String(error)); process.exit(1) },
  onSuccess: () => console.log(upload.url),
  onChunkComplete: (_, accepted) => {
    if (aborted || accepted < 500000) return
    aborted = true
    upload.abort().then(() => {
      const again = new tus.Upload(fs.readFileSync(path), {...upload.options, uploadUrl: upload.url, uploadSize: null,
        onSuccess: () => console.log(again.url)})
      again.start()
    })
  },
})
upload.start()
"""


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder with the client in it, fetched once; where that cannot be, its tests skip."""
    folder = platformdirs.user_cache_path("whorl") / "npm"
    if shutil.which("npm") is None:
        pytest.skip("no Node.js")
    if not (folder / "node_modules" / "tus-js-client").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(
            ["npm", "install", f"tus-js-client@{VERSION}"], cwd=folder, capture_output=True
        )
        if fetched.returncode:
            pytest.skip(f"npm cannot fetch tus-js-client: {fetched.stderr[-200:]!r}")
    return folder


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    with served(tmp_path_factory.mktemp("data")) as started:
        yield started


@pytest.fixture(scope="module")
def endpoint(app: FastAPI) -> Iterator[str]:
    """Where the app listens."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/uploads"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("line", ["holds", "breaks"])
def test_the_protocols_own_client_brings_a_file_in(
    app: FastAPI, endpoint: str, modules: Path, tmp_path: Path, line: str
) -> None:
    data = os.urandom(1_500_000)
    (tmp_path / "file").write_bytes(data)
    command = ["node", "-e", SCRIPT, "-", endpoint, key_of(app), str(tmp_path / "file"), line]
    environment = {**os.environ, "NODE_PATH": str(modules / "node_modules")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    upload = client(app).get(f"/v1/uploads/{done.stdout.strip().rsplit('/', 1)[-1]}").json()
    assert (upload["name"], upload["received"]) == ("seized drive.mkv", len(data))
    assert upload["sha256"] == hashlib.sha256(data).hexdigest()
