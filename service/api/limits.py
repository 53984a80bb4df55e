"""How often a caller may ask: so many requests a minute for each key, or person, counted in this process."""

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from service.api.problem import Problem
from service.store.caller import Caller


class Limiter:
    """Counts requests."""

    def __init__(self, a_minute: int) -> None:
        self._allowed = RateLimitItemPerMinute(a_minute)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, who: Caller) -> None:
        """Counts a request of the caller. Raises a Problem 429."""
        name = who.key_id or f"person {who.person_id}"
        if not self._counter.hit(self._allowed, name):
            detail = f"more than {self._allowed.amount} requests a minute: wait a little"
            raise Problem(429, "too-many-requests", detail, {"Retry-After": "5"})
