"""The application, put together."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from litestar import Litestar
from litestar.datastructures import State

from app import allowed_methods, openapi, pages
from app.body_schemas import ClosedBodies
from app.committer import Committer
from app.controllers import CONTROLLERS
from app.cross_origin import CrossOrigin, policy
from app.cursors import Cursors
from app.database import open_pool
from app.door import Door
from app.exact_numbers import ExactNumbers
from app.failures import handlers
from app.feed import Feed
from app.lines import open_lines
from app.lookout import Lookout
from app.metrics import Metrics
from app.notices import Notices
from app.notifier import Notifier
from app.pruning import prune_regularly
from app.rate_limits import RateLimits
from app.reads import Reads
from app.service import LedgerRequest, Service
from app.settings import Settings
from app.wakeups import Wakeups

if TYPE_CHECKING:
    from app.access import Access

Lifespan: TypeAlias = Callable[[Litestar], AbstractAsyncContextManager[None]]


def create_app(url: str, settings: Settings, lifespans: Sequence[Lifespan] = ()) -> Litestar:
    """The application on the database at `url`; it owns no connection before it is started."""
    metrics = Metrics()
    access = _access(settings)
    door = Door(metrics)
    limits = RateLimits(settings)

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
            access=access,
            door=door,
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

    app = Litestar(
        route_handlers=[*CONTROLLERS, pages.assets()],
        request_class=LedgerRequest,
        request_max_body_size=None,  # the request class holds the limit
        guards=[*([access.check] if access else []), *([limits.guard] if limits else [])],
        exception_handlers=handlers(),
        before_send=[limits.add_fields] if limits else [],
        openapi_config=openapi.CONFIG,
        plugins=[ExactNumbers(), ClosedBodies()],
        lifespan=[*([access.kept] if access else []), lifespan, *lifespans],
        state=State({"metrics": metrics, "door": door}),
        logging_config=None,
    )
    allowed_methods.tell(app)
    if settings.cors_origins:
        app.asgi_handler = CrossOrigin(app.asgi_handler, policy(settings.cors_origins))
    return app


def _access(settings: Settings) -> "Access | None":
    if settings.auth == "none":
        return None
    from app.access import Access  # noqa: PLC0415 - 8 MB that a service without tokens is spared

    return Access(settings)
