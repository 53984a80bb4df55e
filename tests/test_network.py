import os
import subprocess
import sys
from pathlib import Path

LOADED = """
from importlib.resources import files
from fingerprint.network import session
session(files("fingerprint") / "models" / "video-3.onnx")
"""


def test_a_network_leaves_no_word_of_its_use_anywhere(tmp_path: Path) -> None:
    """ONNX Runtime's telemetry keeps what it is about to send in the home directory; on CI machines it is silent anyway."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "ORT_"))}
    homes = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", LOADED], env=plain | homes, check=True)
    assert list(tmp_path.rglob("*")) == []
