"""Why the store does not do what it was asked."""


class Missing(LookupError):  # noqa: N818  # it is said of a thing
    """What is not there, or not the caller's: both look the same."""

    def __init__(self, what: str, name: object) -> None:
        super().__init__(f"no {what} {name!s}")


class Conflict(Exception):  # noqa: N818
    """What is there stands against it. ``code`` is for programs; the message says what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Unfit(ValueError):  # noqa: N818
    """What was handed in cannot be meant; the message says what is wrong and the next step."""
