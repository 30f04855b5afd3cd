"""Every answer that a test of the API receives is what the OpenAPI document says, and confined."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.app.api.confined import check_confined
from tests.app.api.documented import check_documented
from tests.conftest import Client, StartService


@pytest.fixture
def start_service(start_service: StartService) -> StartService:
    """Start a service whose answers are checked as they arrive."""

    @asynccontextmanager
    async def start(*arguments: Any, **settings: Any) -> AsyncGenerator[Client, None]:
        async with start_service(*arguments, **settings) as client:
            client.http.event_hooks["response"] += [check_confined, check_documented]
            yield client

    return start
