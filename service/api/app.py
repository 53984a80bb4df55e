"""The HTTP service: `create_app(settings)` puts its routes together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from service.api import (
    accounts,
    airings,
    audit,
    cases,
    document,
    fingerprints,
    health,
    jobs,
    live,
    login,
    matches,
    metrics,
    overlaps,
    problem,
    references,
    reviews,
    sessions,
    stream_files,
    streams,
    uploads,
    webhooks,
    works,
)
from service.api.bodies import BodyLimit
from service.api.idempotency import Idempotency
from service.api.limits import Limiter
from service.api.metrics import Metrics
from service.api.requests import Requests
from service.api.urls import CleanUrl
from service.incoming import Incoming
from service.jobs.queue import Queue
from service.matcher import Matcher
from service.settings import Settings
from service.store.store import Store
from service.watcher.pushing import OnAir
from service.web import pages as web

ROUTERS = (
    health.router,
    metrics.router,
    accounts.router,
    sessions.router,
    login.router,
    audit.router,
    works.router,
    references.router,
    overlaps.router,
    cases.router,
    uploads.router,
    matches.router,
    fingerprints.router,
    jobs.router,
    reviews.router,
    streams.router,
    stream_files.router,
    airings.router,
    live.router,
    webhooks.router,
)


def create_app(settings: Settings) -> FastAPI:
    """The service over a data directory and database. Raises CatalogError when it is opened."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.data.mkdir(0o700, parents=True, exist_ok=True)
        app.state.store = Store(settings.database_url)
        app.state.incoming = Incoming(settings, app.state.store)
        app.state.jobs = Queue(settings, app.state.store)
        app.state.matcher = Matcher(settings)
        app.state.on_air = OnAir(settings, app.state.store)
        try:
            yield
        finally:
            app.state.on_air.close()
            app.state.matcher.close()
            app.state.jobs.close()
            app.state.store.close()

    app = FastAPI(title="Whorl", version=version("whorl"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    app.state.limiter = Limiter(settings.requests_a_minute)
    app.state.metrics = Metrics(lambda: app.state.store)
    app.add_middleware(BodyLimit)
    app.add_middleware(CleanUrl)
    app.add_middleware(Idempotency)
    login.add_to(app, settings)
    app.add_middleware(Requests)  # the last is the outermost
    problem.add_to(app)
    document.add_to(app)
    for router in ROUTERS:
        app.include_router(router)
    web.add_to(app)
    return app
