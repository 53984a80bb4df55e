"""An OIDC provider of the tests' own, on loopback: as lax as a test tells it to be."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "whorl", "a secret of the client, long enough"
Claims = dict[str, Any]


class Provider:
    """Tells who somebody is. ``claims`` and ``sign`` are a test's to change."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "1", "alg": "RS256", "use": "sig"}, private=True)
        self.claims: Claims = {}
        self.sign: Callable[[Claims], str] = self.rs256
        self._asked: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()

    def consent(self, location: str, state: str | None = None) -> dict[str, str]:
        """What the browser brings back after its holder agreed to what ``location`` asks."""
        self._asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return {"code": "c0de", "state": state or self._asked["state"]}

    def rs256(self, claims: Claims) -> str:
        """As it should be."""
        return jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key)

    def hs256(self, claims: Claims) -> str:
        """Signed with what everybody knows: the public key, taken for a shared secret."""
        signed = _unsigned({"alg": "HS256"}, claims)
        return f"{signed}.{_base64(hmac.digest(self.key.as_pem(private=False), signed.encode(), 'sha256'))}"

    def unsigned(self, claims: Claims) -> str:
        """Signed by nobody."""
        return _unsigned({"alg": "none"}, claims) + "."

    def answer(self, path: str, form: dict[str, list[str]]) -> tuple[int, Any]:
        """Status and JSON of what Whorl asks."""
        if path.startswith("/.well-known/"):
            return 200, self._metadata()
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        return self._token(form)

    def _metadata(self) -> dict[str, Any]:
        places = {f"{name}_endpoint": f"{self.issuer}/{name}" for name in ("authorization", "token")}
        algorithms = ["RS256", "HS256", "none"]
        told = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}
        return {**told, **places, "id_token_signing_alg_values_supported": algorithms}

    def _token(self, form: dict[str, list[str]]) -> tuple[int, Any]:
        proof = _base64(hashlib.sha256(form["code_verifier"][0].encode()).digest())
        if form["code"] != ["c0de"] or proof != self._asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "nonce": self._asked["nonce"],
        }
        return 200, {
            "access_token": "a", "token_type": "Bearer", "id_token": self.sign({**usual, **self.claims})
        }  # fmt: skip

    def _handler(provider) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer({})

            def do_POST(self) -> None:
                self._answer(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))

            def _answer(self, form: dict[str, list[str]]) -> None:
                status, told = provider.answer(self.path, form)
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler


def _unsigned(header: Claims, claims: Claims) -> str:
    return ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
