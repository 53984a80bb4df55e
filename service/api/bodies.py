"""Bodies of requests: none that the route does not expect, and none so large that it fills the memory."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problem import Problem, response

MOST = 1 << 20  # bytes of a JSON body
_JSON = "application/json"


class _TooLargeError(HTTPException):
    """One of HTTP's own, which frameworks pass on as it is."""

    def __init__(self) -> None:
        super().__init__(413, f"a JSON body has at most {MOST} bytes", {"Connection": "close"})


class BodyLimit:
    """Middleware: a JSON body, or one of no type, is at most MOST bytes; what is read as a stream limits itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not _limited(scope):
            await self._app(scope, receive, send)
            return
        answered = False

        async def watched(message: Message) -> None:
            nonlocal answered
            answered = answered or message["type"] == "http.response.start"
            await send(message)

        try:
            if _length(scope) > MOST:
                raise _TooLargeError
            await self._app(scope, _counted(receive), watched)
        except _TooLargeError:
            if answered:
                raise
            problem = Problem(
                413, "too-large", f"a JSON body has at most {MOST} bytes", {"Connection": "close"}
            )
            await response(problem)(scope, receive, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _limited(scope: Scope) -> bool:
    return _header(scope, b"content-type").partition(";")[0].strip().lower() in ("", _JSON)


def _length(scope: Scope) -> int:
    """Bytes that the request says it has; 0 where it does not say."""
    said = _header(scope, b"content-length")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 19 else 0


def _counted(receive: Receive) -> Receive:
    came = 0

    async def receive_counted() -> Message:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > MOST:
            raise _TooLargeError
        return message

    return receive_counted
