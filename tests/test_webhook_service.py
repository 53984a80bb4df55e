"""Webhooks of `whorl serve` as it is."""

from pathlib import Path

import httpx
import pytest

from tests.hooks import Receiver, signed
from tests.serving import serving as receiving
from tests.test_serve import Serving, serving, wait_for


def test_a_service_that_is_killed_delivers_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed, with its deliverer, after the receiver has refused a message once."""
    monkeypatch.setenv("WHORL_ALLOW_HOSTS", "127.0.0.1")
    with receiving() as server:
        receiver = Receiver(server, [500])
        made = _told_once(tmp_path, receiver)
        with serving(tmp_path, "--workers", "0"):
            wait_for(lambda: len(receiver.came) == 2)
    assert all(signed(one, made["secret"]) for one in receiver.came)
    assert len({one.headers["webhook-id"] for one in receiver.came}) == 1


def _told_once(folder: Path, receiver: Receiver) -> dict[str, str]:
    """A webhook of a service that was killed when the receiver had got its message."""
    first = Serving(folder, "--workers", "0")
    try:
        headers = {"Authorization": f"Bearer {first.key}"}
        with httpx.Client(base_url=first.address, headers=headers) as who:
            body = {"url": receiver.url, "events": ["match.finished"]}
            made: dict[str, str] = who.post("/v1/webhooks", json=body).raise_for_status().json()
            who.post(f"/v1/webhooks/{made['id']}/test").raise_for_status()
            wait_for(lambda: len(receiver.came) == 1)
            return made
    finally:
        first.process.kill()
        first.process.wait()
