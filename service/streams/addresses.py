"""Which addresses may be connected to. Every URL of a stream is hostile: it may name the operator's own network.

A URL is parsed here, its host resolved here, and the very address that was checked is what is connected to: a name that
resolves to something else a moment later (DNS rebinding) is never asked again.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from service.streams.errors import StreamError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

PORTS = {"http": 80, "https": 443, "udp": 0, "rtp": 0}
LONGEST = 8192  # characters of a URL
RESOLVED = 10.0  # seconds that a name may take to resolve
SHOWN = 120  # characters of a URL that messages show
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_REFUSED = [  # besides what the standard library knows not to be global
    ipaddress.ip_network("168.63.129.16/32"),  # metadata of virtual machines, on a public address
    ipaddress.ip_network("192.88.99.0/24"),  # relays into other networks
    ipaddress.ip_network("64:ff9b:1::/48"),
    ipaddress.ip_network("192.0.0.0/24"),  # protocols' own
    ipaddress.ip_network("fec0::/10"),  # site-local, of old
]


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be connected to, and where: ``address`` was checked and must be used as it is."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    address: str

    @property
    def authority(self) -> str:
        """Host and port as an HTTP request names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives for a name."""
    found = socket.getaddrinfo(host, port or None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Addresses:
    """The policy: what an operator allows, and everything public."""

    def __init__(
        self,
        allowed: Iterable[str] = (),
        schemes: Iterable[str] = ("http", "https"),
        resolver: Resolver = resolve,
    ) -> None:
        """``allowed`` are hosts, or HOST:PORT, that may be private: names or literal addresses."""
        self._allowed = {entry.strip().lower().strip("[]").rstrip(".") for entry in allowed}
        self._schemes, self._resolver = frozenset(schemes), resolver

    def target(self, url: str, base: str = "", schemes: Iterable[str] = ()) -> Target:
        """Where a URL, relative to ``base``, leads. Raises StreamError for what may not be connected to."""
        whole, scheme, host, port, path = parsed(urljoin(base, url) if base else url)
        if scheme not in (frozenset(schemes) or self._schemes):
            raise StreamError("refused-scheme", shown(whole), f"{scheme or 'no scheme'}: is not read here")
        literals = self._resolved(whole, host, port)
        self._check(whole, host, port, literals)
        return Target(whole, scheme, host, port, path, literals[0])

    def glance(self, url: str) -> None:
        """Raises StreamError for what is seen to be refused before any name is resolved."""
        whole, scheme, host, port, _ = parsed(url)
        if scheme not in self._schemes:
            raise StreamError("refused-scheme", shown(whole), f"{scheme}: is not read here")
        self._check(whole, host, port, [host] if _literal(host) else [])

    def allows(self, host: str, port: int) -> bool:
        """Whether an operator named this host."""
        return host in self._allowed or f"{host}:{port}" in self._allowed

    def _check(self, url: str, host: str, port: int, literals: Sequence[str]) -> None:
        for literal in literals if not self.allows(host, port) else ():
            if private(literal):
                hint = f"an operator may allow it: --allow-host {host}, of a service WHORL_ALLOW_HOSTS"
                # Not which: users of a service could have all names of the operator's network told to them.
                raise StreamError(
                    "refused-address", shown(url), f"leads to an address that is not public; {hint}"
                )

    def _resolved(self, url: str, host: str, port: int) -> Sequence[str]:
        if _literal(host):
            return [host]
        # The system's resolver knows no time limit: it is asked in a thread that may be left behind.
        pool = ThreadPoolExecutor(1, thread_name_prefix="resolve")
        try:
            found = pool.submit(self._resolver, host, port).result(RESOLVED)
        except Late:
            raise StreamError(
                "unresolved", shown(url), f"{host} did not resolve in {RESOLVED:.0f} s"
            ) from None
        except (OSError, UnicodeError) as error:
            raise StreamError("unresolved", shown(url), f"{host} does not resolve ({error})") from None
        finally:
            pool.shutdown(wait=False)
        if not found:
            raise StreamError("unresolved", shown(url), f"{host} has no address")
        return found


def parsed(url: str) -> tuple[str, str, str, int, str]:
    """(URL, scheme, host, port, path with query) of an absolute URL. Raises StreamError."""
    if len(url) > LONGEST:
        raise StreamError("bad-url", shown(url), f"is longer than {LONGEST} characters")
    if any(c <= " " or c in "\x7f\\" for c in url):
        raise StreamError("bad-url", shown(url), "holds blanks or control characters")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        if ":" not in host:
            host = host.encode("idna").decode("ascii").lower() if not host.isascii() else host
    except (ValueError, UnicodeError) as error:
        raise StreamError("bad-url", shown(url), f"is no URL ({error})") from None
    if parts.username is not None or parts.password is not None:
        raise StreamError("bad-url", shown(parts.hostname or ""), "holds a user name or password")
    if parts.scheme not in PORTS:
        raise StreamError("refused-scheme", shown(url), f"{parts.scheme or 'no scheme'}: is not read here")
    if not host:
        raise StreamError("bad-url", shown(url), "names no host")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._") + (
        "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?") if parts.query else ""
    )
    return url, parts.scheme, host, port or PORTS[parts.scheme], path


def private(literal: str) -> bool:
    """Whether an address is none of the public network's; what is no address is none of them."""
    try:
        address = _inner(ipaddress.ip_address(literal.split("%")[0]))
    except ValueError:
        return True
    shut = address.is_loopback or address.is_link_local or address.is_multicast or address.is_private
    return shut or address.is_reserved or not address.is_global or any(address in net for net in _REFUSED)


def _literal(host: str) -> bool:
    """Whether a host is an address as it is written properly: what else looks like one the resolver must judge."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo
        carried = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1])
        return carried or address
    return address


def shown(url: str) -> str:
    """A URL as messages show it: without what may be a secret in its query, and not endless."""
    bare = url.split("?")[0].split("#")[0]
    return bare if len(bare) <= SHOWN else bare[: SHOWN - 1] + "…"
