"""All that the service sends to the database, when it does all that it can do."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, Final, NamedTuple, cast

import asyncpg

from app.query import Query
from tests.app.isolation import calls, errands
from tests.app.isolation.relations import Catalog
from tests.app.isolation.statements import catalog
from tests.app.isolation.wiretap import Values, Wiretap
from tests.app.ledger import Connection
from tests.app.locks import until
from tests.app.proxy import listening
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, starting

_KEEPING: Final = type(cache(len))


class Heard(NamedTuple):
    """All statements with the values of their parameters, and the tables that they may name."""

    statements: Mapping[str, Values]
    catalog: Catalog


async def listen(database: str, other: str, folder: Path) -> Heard:
    """Have everything done on a database, some of it on another one too; what was sent."""
    async with AsyncExitStack() as stack:
        connection = await asyncpg.connect(database)
        stack.push_async_callback(connection.close)
        tap = await stack.enter_async_context(listening(Wiretap(database)))
        other_tap = await stack.enter_async_context(listening(Wiretap(other)))
        await _serve(tap, database, connection)
        await errands.look_after(tap.url, connection)
        await errands.move(tap.url, other_tap.url, folder)
        statements = other_tap.statements | tap.statements
        return Heard(statements, await catalog(connection, statements))


async def _serve(tap: Wiretap, database: str, connection: Connection) -> None:
    async def told() -> bool:
        return any("pg_notify" in text for text in tap.statements)

    async with starting(tap.url)() as client:
        for tenant in (EXTERNAL_TENANT, INTERNAL_TENANT):
            caller = client.of(tenant)
            await calls.read(caller, await calls.command(caller))
            await calls.follow(caller)
        await calls.reach_back(client.of(EXTERNAL_TENANT), database)
        await calls.ask_the_process(client)
        await calls.contend(client, database, connection)
        await until(told)


def compiled(module: ModuleType) -> Iterator[Query]:
    """The statements that a module of the service holds ready, or makes and keeps."""
    held: list[object] = list(vars(module).values())
    for value in held:
        yield from _queries(value)
        if isinstance(value, _KEEPING):
            given = dict(value.__annotations__)
            if given.pop("return") is Query:
                make = cast("Callable[..., Query]", value)
                yield from _made(make) if given else [make()]


def _made(make: Callable[[int], Query]) -> Iterator[Query]:
    """A statement for each of several shapes, which are numbered."""
    for shape in count():
        try:
            yield make(shape)
        except IndexError:
            return


def _queries(value: Any) -> Iterator[Query]:
    if isinstance(value, Query):
        yield value
    elif isinstance(value, Mapping):
        for each in cast("dict[Any, Any]", value).values():
            yield from _queries(each)
    elif isinstance(value, tuple | list):
        for each in cast("tuple[Any, ...]", value):
            yield from _queries(each)
    elif type(value).__module__.startswith("app."):
        yield from _queries(getattr(value, "__dict__", {}))
