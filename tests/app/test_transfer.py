"""Export and import: a tenant comes out of another database as it was in the first."""

import asyncio
import os
import pty
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import fastavro
import pytest
from msgspec.structs import replace

from app import exporting, importing
from app.complaint import Complaint
from app.continuity import Discontinuity
from app.database import PLANNER, connect
from app.event_log import Logged
from app.export_file import ExportReader, ExportWriter, Heading, Unreadable
from app.importing import ImportRefused
from app.chain import seal
from domain.bet import BetConfirmed
from projections import EVENT_TABLES, PROJECTIONS
from tests.app.ledger import Connection, assert_sound, events, head
from tests.app.processes import run
from tests.app.test_views_equal_the_log import Operators, settle
from tests.app.units import connected
from tests.conftest import INTERNAL_TENANT

OTHER = 10003


@pytest.fixture
async def history(database: str) -> None:
    """A few hundred events of three tenants, of every type."""
    operators = Operators(11)
    async with connected(database) as process:
        for _ in range(40):
            await settle(process, [operators.command() for _ in range(10)])


@pytest.fixture
async def elsewhere(empty_database: str) -> AsyncGenerator[Connection, None]: ...
