"""How the service connects to PostgreSQL."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias, cast

import asyncpg

from app.complaint import Complaint
from app.settings import Settings
from projections.row_security import OPERATOR_ROLE, SERVICE_ROLE

CONNECT_TIMEOUT_SECONDS: Final = 5.0
LOCK_TIMEOUT_MILLISECONDS: Final = 500

# What reads whole tables, once: every plan, and memory to sort and to hash in.
_BATCH_SETTINGS: Final = {
    "role": OPERATOR_ROLE,
    "timezone": "UTC",
    "default_transaction_isolation": "read committed",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "work_mem": "64MB",
    "temp_buffers": "64MB",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "lock_timeout": "10000",
}

# What the driver raises when the database cannot be reached or does not let the service in.
UNREACHABLE: Final = (
    OSError,
    TimeoutError,
    ValueError,
    OverflowError,  # a port beyond 65535
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)

_MALFORMED: Final = (
    "its URL is not understood. In a user name or password, write what is neither letter nor"
    " digit as %XX"
)

# Every query is bound to a tenant and finds its rows by an index (a ranking then sorts them).
# A plan that is made once, perhaps while the tables are empty, must be the one that still
# serves when they are not.
PLANNER: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class DatabaseUnusable(Complaint):
    """The database cannot serve; the message says what to do about it."""

    @classmethod
    def because(cls, error: BaseException) -> "DatabaseUnusable":
        """What to say when `error` kept the database from being reached."""
        reason = str(error) or type(error).__name__
        if isinstance(error, ValueError) and not isinstance(error, asyncpg.InterfaceError):
            reason = _MALFORMED  # Python's own words quote the URL, and the password in it
        return cls(f"The database cannot be used: {reason}. Check DATABASE_URL.")


async def connect(url: str, settings: Mapping[str, str] | None = None) -> asyncpg.Connection:
    """A single connection, with these settings of the server. Raises `DatabaseUnusable`."""
    try:
        return await asyncpg.connect(
            url, timeout=CONNECT_TIMEOUT_SECONDS, server_settings=dict(settings or {})
        )
    except UNREACHABLE as error:
        raise DatabaseUnusable.because(error) from error


@asynccontextmanager
async def batch_connection(
    url: str, purpose: str, **settings: str
) -> AsyncGenerator[asyncpg.Connection]:
    """A connection for work on whole tables, beside the service's; `purpose` is its name there.

    `settings` of the server come on top of those for such work.

    Nothing but locks is waited for with a limit. Raises `DatabaseUnusable`.
    """
    name = {"application_name": f"stakebook {purpose}"}
    connection = await connect(url, name | _BATCH_SETTINGS | settings)
    try:
        yield connection
    finally:
        await connection.close()


Prepare: TypeAlias = Callable[[asyncpg.Connection], Awaitable[None]]


async def open_pool(
    url: str,
    settings: Settings,
    size: int | None = None,
    *,
    prepare: Prepare | None = None,
    **more: str,
) -> asyncpg.Pool:
    """A pool of at most `size` connections (else `pool_size`), for prepared statements.

    A generic plan saves planning the large commit statement for every batch. Connections
    carry no session state, so nothing has to be reset, and no round trip is spent on it.
    `prepare` is done with each new connection; `more` settings of the server come on top.
    """
    return await asyncpg.create_pool(
        url,
        init=cast("Any", prepare),  # whose type in the stubs is that of a protocol
        min_size=0,
        max_size=size or settings.pool_size,
        timeout=CONNECT_TIMEOUT_SECONDS,
        command_timeout=settings.statement_timeout_seconds + 1,
        reset=_nothing_to_reset,
        max_cacheable_statement_size=0,  # however long: the commit statement is
        max_cached_statement_lifetime=0,
        server_settings={
            "application_name": "stakebook",
            "role": SERVICE_ROLE,
            "timezone": "UTC",
            **PLANNER,
            "default_transaction_isolation": "read committed",
            "statement_timeout": str(round(settings.statement_timeout_seconds * 1000)),
            "lock_timeout": str(LOCK_TIMEOUT_MILLISECONDS),
            "idle_in_transaction_session_timeout": "60000",
            **more,
        },
    )


async def _nothing_to_reset(connection: object) -> None:
    pass
