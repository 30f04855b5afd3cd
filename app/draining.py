"""How a worker learns that it is about to be stopped."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar

from app.service import Service


@asynccontextmanager
async def drain_on_signal(app: Litestar) -> AsyncGenerator[None, None]:
    """Let SIGUSR1 make the worker report itself not ready, and SIGUSR2 end what has no end.

    The HTTP server waits for every answer under way before it stops, and tells the application
    only then.
    """
    service: Service = app.state["service"]

    def drain() -> None:
        service.draining = True

    def end() -> None:
        service.draining = True
        service.wakeups.end()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, drain)
    loop.add_signal_handler(signal.SIGUSR2, end)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        loop.remove_signal_handler(signal.SIGUSR2)
