"""Two processes of the service, called from tests that are not asynchronous themselves."""

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.conftest import StartService
from tests.model.machine import Stage


@pytest.fixture
def stage(start_service: StartService) -> Iterator[Stage]:
    """Two processes on one database; each decides on what it remembers by itself."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(start_service()) as first,
        portal.wrap_async_context_manager(start_service()) as second,
    ):
        yield Stage(portal, (first, second))
