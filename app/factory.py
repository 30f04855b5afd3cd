"""The application, put together."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeAlias

from litestar import Litestar
from litestar.datastructures import State
from litestar.static_files import (
    create_static_files_router,  # pyright: ignore[reportUnknownVariableType]  # generic there
)

from app import openapi
from app.committer import Committer
from app.controllers import CONTROLLERS
from app.cursors import Cursors
from app.database import open_pool
from app.failures import handlers
from app.feed import Feed
from app.lines import open_lines
from app.lookout import Lookout
from app.metrics import Metrics
from app.notices import Notices
from app.notifier import Notifier
from app.pruning import prune_regularly
from app.reads import Reads
from app.service import LedgerRequest, Service
from app.settings import Settings
from app.wakeups import Wakeups

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(url: str, settings: Settings, lifespans: Sequence[Lifespan] = ()) -> Litestar:
    """The application on the database at `url`; it owns no connection before it is started."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncGenerator[None, None]:
        pool = await open_pool(url, settings)
        # Connections of its own: commands do not wait behind reads.
        writing = await open_lines(url, settings)
        wakeups = Wakeups(settings.feed_followers, metrics)
        notices = Notices(url, wakeups.ring)
        notifier, lookout = Notifier(wakeups, notices), Lookout(wakeups, notices)
        committer = Committer(writing, settings, metrics, notifier.committed)
        app.state["service"] = Service(
            settings=settings,
            pool=pool,
            committer=committer,
            reads=Reads(pool, settings.command_timeout_seconds),
            feed=Feed(pool, settings.command_timeout_seconds),
            wakeups=wakeups,
            cursors=Cursors(settings.cursor_secret or secrets.token_urlsafe(48)),
            metrics=metrics,
        )
        pruning = asyncio.create_task(prune_regularly(pool, settings))
        try:
            yield
        finally:
            app.state["service"].draining = True
            wakeups.end()
            pruning.cancel()
            with suppress(asyncio.CancelledError):
                await pruning
            await committer.close()
            await notifier.close()
            await lookout.close()
            await notices.close()
            await writing.close()
            await pool.close()

    return Litestar(
        route_handlers=[
            *CONTROLLERS,
            create_static_files_router(
                path=openapi.ASSETS_PATH, directories=[openapi.ASSETS], include_in_schema=False
            ),
        ],
        request_class=LedgerRequest,
        request_max_body_size=None,  # the request class holds the limit
        exception_handlers=handlers(),
        openapi_config=openapi.CONFIG,
        plugins=[openapi.ExactNumbers()],
        lifespan=[lifespan, *lifespans],
        state=State({"metrics": metrics}),
        logging_config=None,
    )
