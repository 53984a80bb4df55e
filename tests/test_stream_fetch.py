"""Only our fetcher touches the network: whatever a stream names is parsed, resolved, checked, and limited."""

import ssl
import time

import pytest

from service.streams.addresses import Addresses, private
from service.streams.errors import StreamError
from service.streams.fetch import Allowance, Fetcher
from service.streams.transport import Exchange
from tests.serving import CERTIFICATES, Server, Writer, answer, fixed, ranged, redirect, serving

QUICK = Allowance(redirects=3, seconds=0.6, patience=0.3)


def fetcher(*allowed: str, names: dict[str, str] | None = None, allowance: Allowance = QUICK) -> Fetcher:
    table = {"public.test": "93.184.216.34", "inside.test": "10.0.0.7", **(names or {})}
    return Fetcher(Addresses(allowed, resolver=fixed(dict(table))), allowance)


def refusal(url: str, fetch: Fetcher | None = None) -> str:
    with pytest.raises(StreamError) as raised:
        (fetch or fetcher()).get(url, 100)
    assert str(raised.value).strip()
    return raised.value.code


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "100.100.100.200", "168.63.129.16", "192.0.0.8", "192.88.99.1", "198.18.0.1", "203.0.113.9", "224.0.0.1",
        "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1", "fc00::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::10.0.0.1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1", "nonsense",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert private(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_what_is_public_is_not(address: str) -> None:
    assert not private(address)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1/", "refused-address"),
        ("http://[::1]/", "refused-address"),
        ("http://[::ffff:169.254.169.254]/latest/meta-data", "refused-address"),
        ("http://inside.test/", "refused-address"),
        ("http://nowhere.test/", "unresolved"),
        ("http://user:secret@public.test/", "bad-url"),
        ("http://public.test\\@inside.test/", "bad-url"),
        ("http://public.test/a b", "bad-url"),
        ("http://public.test/\r\nHost: inside.test", "bad-url"),
        ("http://public.test:99999/", "bad-url"),
        ("http://[::1/", "bad-url"),
        ("http:///path", "bad-url"),
        ("http://" + "a" * 9000, "bad-url"),
        ("file:///etc/passwd", "refused-scheme"),
        ("gopher://public.test/", "refused-scheme"),
        ("data:text/plain,hello", "refused-scheme"),
        ("concat:/etc/passwd", "refused-scheme"),
        ("/etc/passwd", "refused-scheme"),
        ("udp://239.0.0.1:1234", "refused-scheme"),
        ("", "refused-scheme"),
    ],
)
def test_what_a_url_may_not_be(url: str, code: str) -> None:
    assert refusal(url) == code


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "localhost"])
def test_odd_spellings_are_judged_by_what_the_system_makes_of_them(host: str) -> None:
    assert refusal(f"http://{host}/", Fetcher(Addresses(), QUICK)) in ("refused-address", "unresolved")


def test_a_message_keeps_the_secrets_of_a_query() -> None:
    with pytest.raises(StreamError) as raised:
        fetcher().get("http://inside.test/live.m3u8?token=s3cret", 10)
    assert "s3cret" not in str(raised.value)
    assert "--allow-host inside.test" in str(raised.value)


def test_what_an_operator_names_is_let_through(server: Server) -> None:
    server.pages["/a"] = answer(b"hello", kind="Video/MP2T; x=y")
    fetched = fetcher("127.0.0.1").get(server.url("/a"), 100)
    assert (fetched.body, fetched.kind, fetched.record.addresses) == (b"hello", "video/mp2t", ("127.0.0.1",))
    assert fetcher(f"127.0.0.1:{server.port}").get(server.url("/a"), 100).body == b"hello"
    assert refusal(server.url("/a"), fetcher("127.0.0.1:1")) == "refused-address"


def test_the_address_that_was_checked_is_connected_to(server: Server) -> None:
    """A name that is public when it is asked first, and loopback when it is asked again, is asked once."""
    server.pages["/secret"] = answer(b"inside")
    turns = fixed({"rebind.test": ["93.184.216.34", "127.0.0.1"]})
    target = Addresses(resolver=turns).target(f"http://rebind.test:{server.port}/secret")
    assert target.address == "93.184.216.34"
    with pytest.raises(StreamError, match=r"93\.184\.216\.34|longer"):
        Exchange(target, {}, 0.3)
    assert server.asked == []


def test_a_refusal_does_not_tell_whither_a_name_leads() -> None:
    with pytest.raises(StreamError, match="leads to an address that is not public") as refused:
        Addresses(resolver=lambda host, port: ["10.1.2.3"]).target("http://vault.example/x")
    assert "10.1.2.3" not in str(refused.value)


def test_of_several_addresses_none_may_be_private() -> None:
    mixed = Addresses(resolver=lambda host, port: ["93.184.216.34", "127.0.0.1"])
    assert refusal("http://mixed.test/", Fetcher(mixed, QUICK)) == "refused-address"


@pytest.mark.parametrize("place", ["http://inside.test/", "//169.254.169.254/", "file:///etc/passwd", ""])
def test_every_redirect_is_checked(server: Server, place: str) -> None:
    server.pages["/go"] = redirect(place)
    assert refusal(server.url("/go"), fetcher("127.0.0.1")) in (
        "refused-address",
        "refused-scheme",
        "bad-answer",
    )


def test_redirects_are_followed_and_counted(server: Server) -> None:
    server.pages |= {"/1": redirect("/2"), "/2": redirect(server.url("/3")), "/3": answer(b"here")}
    fetched = fetcher("127.0.0.1").get(server.url("/1"), 100)
    assert (fetched.body, fetched.url) == (b"here", server.url("/3"))
    assert len(fetched.record.addresses) == 3
    server.pages["/loop"] = redirect("/loop")
    assert refusal(server.url("/loop"), fetcher("127.0.0.1")) == "redirects"


def drip(write: Writer) -> None:
    """A byte of a body now and then, for ever."""
    write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        write(b"x")
        time.sleep(0.05)


def drip_headers(write: Writer) -> None:
    write(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        write(b"x")
        time.sleep(0.05)


def flood_headers(write: Writer) -> None:
    write(b"HTTP/1.1 200 OK\r\n")
    for i in range(90):
        write(b"X-%d: " % i + b"y" * 60_000 + b"\r\n")


def endless(write: Writer) -> None:
    write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        write(b"x" * 4096)


def silence(write: Writer) -> None:
    time.sleep(2)


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (drip, "timeout"),
        (drip_headers, "timeout"),
        (silence, "timeout"),
        (flood_headers, "too-large"),
        (endless, "too-large"),
        (answer(b"x" * 101), "too-large"),
        (answer(b"", 404), "gone"),
        (answer(b"", 500), "status"),
        (answer(b"abc", Content_Encoding="gzip"), "bad-answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad-answer"),
        (b"HTTP/1.1 999999 OK\r\n\r\n", "bad-answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "bad-answer"),
        (b"", "bad-answer"),
        (b"\xff" * 300, "bad-answer"),
    ],
)
def test_a_server_that_misbehaves_costs_little(server: Server, page: bytes, code: str) -> None:
    server.pages["/bad"] = lambda request: page
    begun = time.monotonic()
    assert refusal(server.url("/bad"), fetcher("127.0.0.1")) == code
    assert time.monotonic() - begun < 2


def test_a_part_is_asked_for_and_cut_out_where_the_server_knows_no_parts(server: Server) -> None:
    body = bytes(range(100))
    server.pages["/part"] = lambda request: ranged(body, request)
    server.pages["/whole"] = answer(body)
    for path in ("/part", "/whole"):
        assert fetcher("127.0.0.1").get(server.url(path), 100, (10, 5)).body == bytes(range(10, 15))
    with pytest.raises(StreamError, match="of the 5 bytes"):
        fetcher("127.0.0.1").get(server.url("/whole"), 100, (98, 5))


def test_an_endless_body_may_last_but_not_pause(server: Server) -> None:
    def radio(write: Writer) -> None:
        write(b"ICY 200 OK\r\nicy-metaint: 16\r\n\r\n")
        for _ in range(10):
            write(b"music")
            time.sleep(0.1)
        time.sleep(3)

    server.pages["/radio"] = lambda request: radio
    opened = fetcher("127.0.0.1").open(server.url("/radio"))
    assert opened.header("icy-metaint") == "16"
    opened.endless(0.3)
    heard = b""
    with pytest.raises(StreamError, match="sent nothing"):
        while True:
            heard += opened.read()
    assert heard == b"music" * 10
    opened.close()


def test_a_certificate_must_be_that_of_the_name() -> None:
    trusted = ssl.create_default_context(cafile=CERTIFICATES / "stream.test.pem")
    with serving(tls=True) as server:
        server.pages["/a"] = lambda request: answer(request.headers["host"].encode())
        names = Addresses(
            ["stream.test", "other.test"],
            resolver=fixed({"stream.test": "127.0.0.1", "other.test": "127.0.0.1"}),
        )
        fetch = Fetcher(names, QUICK, trusted)
        assert fetch.get(server.url("/a", "stream.test"), 100).body == f"stream.test:{server.port}".encode()
        assert refusal(server.url("/a", "other.test"), fetch) == "tls"
        assert refusal(server.url("/a", "stream.test"), Fetcher(names, QUICK)) == "tls"


def test_a_request_cannot_carry_another_one() -> None:
    """Whatever is in a path goes out as one line."""
    target = Addresses(resolver=fixed({"public.test": "93.184.216.34"})).target(
        "http://public.test/a%0d%0aX:%20y/é?q=ü"
    )
    assert target.path == "/a%0d%0aX:%20y/%C3%A9?q=%C3%BC"


def test_headers_tell_no_secrets(server: Server) -> None:
    server.pages["/a"] = answer(b"x", Set_Cookie="session=1", Server="nginx")
    names = [n for n, _ in fetcher("127.0.0.1").get(server.url("/a"), 10).record.headers]
    assert "Server" in names
    assert "Set-Cookie" not in names
