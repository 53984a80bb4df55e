"""The HTTP service: `create_app(settings)` puts its routes together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from service.api import health, problem
from service.settings import Settings
from service.store.store import Store

ROUTERS = (health.router,)


def create_app(settings: Settings) -> FastAPI:
    """The service over a data directory and database. Raises CatalogError when it is opened."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        settings.data.mkdir(parents=True, exist_ok=True)
        app.state.store = Store(settings.database_url)
        try:
            yield
        finally:
            app.state.store.close()

    app = FastAPI(title="Whorl", version=version("whorl"), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.settings = settings
    problem.add_to(app)
    for router in ROUTERS:
        app.include_router(router)
    return app
