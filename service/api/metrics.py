"""What Prometheus reads: requests as they come, and what the store holds when it is asked."""

from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from service.api.access import needs
from service.store.caller import Caller
from service.store.counts import counts
from service.store.store import Store

router = APIRouter(tags=["operation"])


class Metrics:
    """One app's metrics."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("whorl_requests", "Requests answered.", labels, registry=self.registry)
        self._seconds = Histogram(
            "whorl_request_seconds",
            "Time to the end of the answer.",
            ["method", "route"],
            registry=self.registry,
        )
        self.registry.register(_Held(store))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request; ``route`` has the names of its parameters, not their values."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)


class _Held(Collector):
    """Counted when it is asked for: several processes change the store."""

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Gauges of jobs by state, streams by state, references, works, uploads and their bytes."""
        for name, values in counts(self._store()).items():
            gauge = GaugeMetricFamily(f"whorl_{name}", f"{name.capitalize()} in the store.", labels=["state"])
            for state, value in values.items():
                gauge.add_metric([state], value)
            yield gauge

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing beforehand: the store is not open yet."""
        return iter(())


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def get_metrics(request: Request, who: Annotated[Caller, needs("metrics")]) -> Response:
    """Metrics for Prometheus, which asks with a key of the scope "metrics"."""
    found: Metrics = request.app.state.metrics
    return Response(found.text(), media_type=CONTENT_TYPE_LATEST)
