"""The one kind of error of reading streams."""


class StreamError(Exception):
    """A stream, or a part of it, that cannot be read.

    code    one word for programs: "bad-url", "refused-scheme", "refused-address", "unresolved", "unreachable", "tls",
            "timeout", "redirects", "status", "too-large", "bad-answer", "bad-playlist", "bad-manifest", "encrypted",
            "unsupported", "stalled", "gone", "capture", "crashed", "empty"
    name    the URL, or the part of it that tells which one it is
    reason  what is the matter, in words that follow the name
    """

    def __init__(self, code: str, name: str, reason: str) -> None:
        super().__init__(code, name, reason)
        self.code, self.name, self.reason = code, name, reason

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"
