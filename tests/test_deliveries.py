"""Messages reach their receiver, signed, in order, again and again until they are taken; a kill loses none."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from service.store import outbox
from service.streams.addresses import Addresses
from service.streams.errors import StreamError
from service.streams.posting import post
from service.webhooks.signing import signature
from tests.hooks import PATH, Clock, Receiver, deliverer, deliveries, finish, hook, send, signed
from tests.service import ORG, client, served
from tests.serving import Server, Writer, fixed, redirect
from tests.serving import answer as http


@pytest.fixture
def app(backend: str, tmp_path: Path) -> Iterator[FastAPI]:
    with served(tmp_path / "data", requests_a_minute=10**9, allow_hosts="127.0.0.1") as app:
        yield app


@pytest.fixture
def who(app: FastAPI) -> TestClient:
    return client(app, "investigator")


@pytest.fixture
def receiver(server: Server) -> Receiver:
    return Receiver(server)


def test_the_signature_is_that_of_the_published_example() -> None:
    """The example of the scheme's own libraries."""
    given = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330)
    assert signature(*given, b'{"test": 2432232314}') == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_message_is_signed_and_says_when_it_was_sent(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    made, clock = hook(who, receiver.url), Clock()
    finish(app)
    assert send(deliverer(app, clock)) == 1
    (request,) = receiver.came
    (sent,) = deliveries(who, made)
    assert signed(request, made["secret"])
    assert not signed(request, hook(who, receiver.url)["secret"])
    assert request.headers["webhook-id"] == sent["id"]
    assert request.headers["webhook-timestamp"] == str(int(clock().timestamp()))
    assert request.headers["content-type"] == "application/json"
    assert (sent["state"], sent["status"], sent["attempts"], sent["next"]) == ("delivered", 204, 1, None)


def test_what_is_not_taken_is_sent_again_under_its_id(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    made, clock = hook(who, receiver.url), Clock()
    receiver.says = [500, 302]
    finish(app)
    sender = deliverer(app, clock)
    for delay in outbox.DELAYS[:2]:
        assert send(sender) == 1
        assert deliveries(who, made)[0]["state"] == "waiting"
        clock.passes(delay - 1)
        assert send(sender) == 0
        clock.passes(1)
    assert send(sender) == 1
    assert len({one.headers["webhook-id"] for one in receiver.came}) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.came}) == 3
    assert all(signed(one, made["secret"]) for one in receiver.came)
    assert len({one.body for one in receiver.came}) == 1
    assert (deliveries(who, made)[0]["state"], send(sender)) == ("delivered", 0)


def test_it_is_given_up_after_a_day_and_told(app: FastAPI, who: TestClient, receiver: Receiver) -> None:
    made, clock = hook(who, receiver.url), Clock()
    receiver.says = [503] * 100
    finish(app)
    sender, began = deliverer(app, clock), clock()
    while deliveries(who, made)[0]["state"] == "waiting":
        clock.passes(600)
        send(sender)
    assert timedelta(hours=20) < clock() - began < timedelta(hours=28)
    (sent,) = deliveries(who, made)
    assert (sent["state"], sent["attempts"], sent["status"]) == ("failed", outbox.ATTEMPTS, 503)
    assert sent["error"] == {"code": "status", "message": "answers with status 503"}
    assert who.get(f"/v1/webhooks/{made['id']}").json()["failed"] == 1
    receiver.says = []
    put = who.post(f"/v1/webhooks/{made['id']}/deliveries/{sent['id']}/again")
    assert (put.status_code, put.json()["state"]) == (202, "waiting")
    assert (send(sender), deliveries(who, made)[0]["state"]) == (1, "delivered")
    assert {one.headers["webhook-id"] for one in receiver.came} == {sent["id"]}


def test_delays_are_varied(app: FastAPI, who: TestClient, receiver: Receiver) -> None:
    made, clock = hook(who, receiver.url), Clock()
    receiver.says = [500]
    finish(app)
    sender = deliverer(app, clock)
    sender.jitter = lambda: 1.2
    send(sender)
    due = (clock() + timedelta(seconds=1.2 * outbox.DELAYS[0])).isoformat(timespec="milliseconds")
    assert deliveries(who, made)[0]["next"] == due


def test_messages_keep_their_order_through_short_failures(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    hook(who, receiver.url)
    jobs = [finish(app) for _ in range(3)]
    clock = Clock()
    sender = deliverer(app, clock)
    receiver.says = [500, 204, 500]
    while len(receiver.came) < 5:
        send(sender)
        clock.passes(1)
    assert [one["data"]["job"] for one in receiver.messages] == [jobs[n] for n in (0, 0, 1, 1, 2)]


def test_one_that_is_never_taken_lets_the_others_pass(app: FastAPI, who: TestClient, server: Server) -> None:
    made, taken = hook(who, server.url(PATH)), []
    first, second = finish(app), finish(app)

    def fussy(request: object) -> bytes:
        job = next(one for one in (first, second) if one.encode() in request.body)  # type: ignore[attr-defined]
        taken.append(job)
        return http(status=400 if job == first else 200)

    server.pages[PATH] = fussy
    clock = Clock()
    sender = deliverer(app, clock)
    while second not in taken:
        send(sender)
        clock.passes(5)
    assert taken == [first] * outbox.HOLDS + [second]
    assert [one["state"] for one in deliveries(who, made)] == ["delivered", "waiting"]


def test_a_slow_webhook_does_not_hold_up_others(app: FastAPI, who: TestClient, server: Server) -> None:
    """Real threads: the first receiver answers only once the second has its message."""
    came = threading.Event()

    def slow(request: object) -> bytes:
        assert came.wait(60)
        return http(status=204)

    server.pages["/slow"] = slow
    quick = Receiver(server)
    made = hook(who, server.url("/slow")), hook(who, quick.url)
    finish(app)
    sender, over = deliverer(app), threading.Event()
    running = threading.Thread(target=sender.run, args=(over.is_set,))
    running.start()
    try:
        wait_for(lambda: len(quick.came) == 1)
        came.set()
        wait_for(lambda: [deliveries(who, one)[0]["state"] for one in made] == ["delivered"] * 2)
    finally:
        came.set()
        over.set()
        running.join()


def test_gone_switches_it_off(app: FastAPI, who: TestClient, receiver: Receiver) -> None:
    made = hook(who, receiver.url)
    finish(app), finish(app)
    receiver.says = [410]
    sender = deliverer(app)
    assert send(sender) == 1
    shown = who.get(f"/v1/webhooks/{made['id']}").json()
    assert (shown["active"], shown["error"]["code"], shown["waiting"], shown["failed"]) == (
        False,
        "gone",
        0,
        2,
    )
    finish(app)
    assert (send(sender), len(receiver.came)) == (0, 1)
    back = who.patch(f"/v1/webhooks/{made['id']}", json={"active": True}).json()
    assert (back["active"], back["error"]) == (True, None)
    who.post(f"/v1/webhooks/{made['id']}/test")
    assert (send(sender), receiver.types) == (1, ["match.finished", "webhook.test"])


def test_a_redirect_is_not_followed(app: FastAPI, who: TestClient, server: Server) -> None:
    server.pages[PATH] = redirect(server.url("/secret"))
    made = hook(who, server.url(PATH))
    finish(app)
    send(deliverer(app))
    assert server.asked == [PATH]
    assert (
        deliveries(who, made)[0]["error"]["message"] == "answers with status 302: redirects are not followed"
    )


def test_a_name_that_leads_inside_is_refused_and_not_explored(
    app: FastAPI, who: TestClient, server: Server
) -> None:
    made = hook(who, f"http://inside.test:{server.port}{PATH}")
    finish(app)
    send(deliverer(app, None, "elsewhere.test", resolver=fixed({"inside.test": "127.0.0.1"})))
    (sent,) = deliveries(who, made)
    assert (sent["error"]["code"], sent["state"], sent["status"]) == ("refused-address", "waiting", None)
    assert "127.0.0.1" not in sent["error"]["message"]
    assert server.asked == []


def test_a_name_that_changes_its_mind_is_judged_each_time(
    app: FastAPI, who: TestClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public when it is checked and loopback when it is asked again: it is asked once an attempt, and that is used."""
    made, clock = hook(who, f"http://rebind.test:{server.port}{PATH}"), Clock()
    finish(app)
    where = Addresses(resolver=fixed({"rebind.test": ["93.184.216.34", "127.0.0.1"]}))
    sender = deliverer(app, clock)
    sender.post = lambda url, sent, body: post(where, url, sent, body, 0.3)
    send(sender)
    assert deliveries(who, made)[0]["error"]["code"] in ("unreachable", "timeout")
    clock.passes(outbox.DELAYS[0])
    send(sender)
    assert deliveries(who, made)[0]["error"]["code"] == "refused-address"
    assert server.asked == []


def drip(write: Writer) -> None:
    write(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        write(b"x")
        time.sleep(0.02)


def flood(write: Writer) -> None:
    write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        write(b"x" * 65536)


def test_an_answer_costs_little_time_and_few_bytes(server: Server) -> None:
    where = Addresses(["127.0.0.1"])
    server.pages |= {"/drip": lambda _: drip, "/flood": lambda _: flood}
    with pytest.raises(StreamError) as late:
        post(where, server.url("/drip"), {}, b"{}", 0.3)
    assert late.value.code == "timeout"
    assert post(where, server.url("/flood"), {}, b"{}", 30.0) == 200


def test_of_several_deliverers_one_sends_it(app: FastAPI, who: TestClient, receiver: Receiver) -> None:
    hook(who, receiver.url)
    finish(app)
    one, other = deliverer(app), deliverer(app)
    taken = [*one.take(set(), 10), *other.take(set(), 10)]
    assert len(taken) == 1


KILLED = """
import os, signal
from service.store.store import Store
from service.webhooks.deliverer import Deliverer
def post(url, headers, body):
    os.kill(os.getpid(), signal.SIGKILL)
sender = Deliverer(Store(os.environ["WHORL_DATABASE"]), post)
for one in sender.take(set(), 10):
    sender.deliver(one)
"""


def test_a_deliverer_that_is_killed_at_a_message_loses_none(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    made = hook(who, receiver.url)
    finish(app)
    given = {**os.environ, "WHORL_DATABASE": app.state.settings.database_url}
    killed = subprocess.run([sys.executable, "-c", KILLED], env=given, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert deliveries(who, made)[0]["attempts"] == 1
    clock = Clock()
    assert send(deliverer(app, clock)) == 0  # another may still be at it
    clock.passes(outbox.TAKEN.total_seconds() + 1)
    assert (send(deliverer(app, clock)), receiver.types) == (1, ["match.finished"])


def test_a_message_under_which_every_deliverer_dies_is_given_up(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    made, clock = hook(who, receiver.url), Clock()
    finish(app)
    sender = deliverer(app, clock)
    for _ in range(outbox.ATTEMPTS):
        assert len(sender.take(set(), 10)) == 1
        clock.passes(outbox.TAKEN.total_seconds() + 1)
    assert sender.take(set(), 10) == []
    sender.clean()
    assert deliveries(who, made)[0]["error"]["code"] == "lost"


def test_a_deliverer_that_was_taken_for_dead_changes_nothing(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    made, clock = hook(who, receiver.url), Clock()
    finish(app)
    slow, quick = deliverer(app, clock), deliverer(app, clock)
    (late,) = slow.take(set(), 10)
    clock.passes(outbox.TAKEN.total_seconds() + 1)
    assert send(quick) == 1
    receiver.says = [500]
    slow.deliver(late)
    assert deliveries(who, made)[0]["state"] == "delivered"


def test_what_is_long_over_is_forgotten(app: FastAPI, who: TestClient, receiver: Receiver) -> None:
    made, clock = hook(who, receiver.url), Clock()
    finish(app)
    send(deliverer(app, clock))
    receiver.says = [500] * 100
    finish(app)
    clock.passes(outbox.KEPT.total_seconds() - 60)
    outbox.sweep(app.state.store, clock())
    assert len(deliveries(who, made)) == 2
    clock.passes(120)
    outbox.sweep(app.state.store, clock())
    assert [one["state"] for one in deliveries(who, made)] == ["waiting"]


def wait_for(condition: object) -> None:
    until = time.monotonic() + 60
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_process_of_its_own_delivers_what_was_stored_before_it_began(
    app: FastAPI, who: TestClient, receiver: Receiver
) -> None:
    """`whorl serve` runs it; it takes up what a killed service left."""
    made = hook(who, receiver.url)
    finish(app, org=ORG)
    settings = app.state.settings
    given = {
        "WHORL_DATA": str(settings.data),
        "WHORL_DATABASE": settings.database,
        "WHORL_ALLOW_HOSTS": "127.0.0.1",
    }
    command = [sys.executable, "-m", "service.webhooks.deliverer"]
    process = subprocess.Popen(command, env={**os.environ, **given})
    try:
        wait_for(lambda: deliveries(who, made)[0]["state"] == "delivered")
        assert signed(receiver.came[0], made["secret"])
        process.terminate()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
