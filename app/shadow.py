"""A tenant's views as its log makes them, beside the ones that are there."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder
from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from app import event_log, row_security
from app.audit import Audit
from app.due_snapshots import DueSnapshots
from app.event_log import Logged
from app.exact_json import ENCODER
from app.fault import Fault, FaultFound
from app.query import Query
from app.replay import Replay
from app.tenant_state import TABLES
from app.wanted import USER_VIEWS
from domain.bet import BetEvent
from domain.errors import DomainError
from domain.payment import PaymentEvent
from projections import FOLDS, PROJECTIONS, shadow
from projections.bets import bets_view
from projections.change import Change
from projections.payments import payments_view
from projections.wrong_rows import wrong_rows

if TYPE_CHECKING:
    from app.event_log import Connection, Row

HELD_ROWS: Final = 50_000
_ROWS_AT_ONCE: Final = 5_000
_FEW_EVENTS: Final = 500  # for which another thread is not worth while

_DIALECT: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped there
_TABLES: Final = {projection.table.name: shadow.shadow_of(projection) for projection in PROJECTIONS}
_DECODERS: Final = {p.table.name: Decoder(p.row_type) for p in PROJECTIONS}
_KEYS: Final = {p.table.name: p.key_column for p in PROJECTIONS}
_PUT: Final = {name: Query(shadow.put(table)) for name, table in _TABLES.items()}
_BY_KEYS: Final = {
    projection.table.name: Query(shadow.by_keys(projection, _TABLES[projection.table.name]))
    for projection in PROJECTIONS
    if projection.key_column
}
_SESSION_TABLES: Final = (*_TABLES.values(), wrong_rows)
_CREATE: Final = ";".join(
    str(CreateTable(table, if_not_exists=True).compile(dialect=_DIALECT))
    for table in _SESSION_TABLES
)
_EMPTY: Final = f"TRUNCATE {', '.join(table.name for table in _SESSION_TABLES)}"
_ANALYZE: Final = f"ANALYZE {', '.join(table.name for table in _SESSION_TABLES)}"


class Shadow:
    """What the log of a tenant has made so far, in temporary tables of one connection.

    `audit` is where in the log it is, `snapshots` those due on the way; every event is checked
    before it is folded. In memory are `held_rows` of each table and those of `at_once` events;
    what an event needs beyond them is read from the tables. `write` brings these up to date.
    """

    def __init__(
        self,
        connection: "Connection",
        tenant_id: int,
        *,
        held_rows: int = HELD_ROWS,
        at_once: int = event_log.AT_ONCE,
    ) -> None:
        self._held_rows: Final = held_rows
        self._at_once: Final = at_once
        self.tenant_id: Final = tenant_id
        self.audit: Final = Audit(tenant_id)
        self.snapshots: Final = DueSnapshots(tenant_id)
        self._connection: Final = connection
        self._replay: Final = Replay()
        self._changed: Final[dict[str, set[str]]] = {table: set() for table in _TABLES}
        self._written: Final[set[str]] = set()
        self._unsent: list[tuple[str, str]] = []

    async def open(self) -> None:
        """Turn the connection to the tenant; make the tables, or empty those of the one before."""
        await row_security.turn_to(self._connection, self.tenant_id)
        await self._connection.execute(_CREATE)
        await self._connection.execute(_EMPTY)

    async def catch_up(
        self,
        progress: Callable[[int], object] | None = None,
        seen: Callable[[Change], object] | None = None,
    ) -> int:
        """Fold the events after those folded so far; returns how many they were.

        `progress` is told how many, some at a time; `seen` is called after each with what it
        changed. Raises `FaultFound` at an event that does not follow from those before it.
        """
        first = self.audit.position
        rows = await self._rows()
        while rows:
            events = [self._decoded(row) for row in rows]
            await self._load_for(events)
            # PostgreSQL works for the chunk before and the one after while this one is folded.
            ahead = asyncio.ensure_future(self._ahead(rows))
            try:
                if len(events) > _FEW_EVENTS:
                    await asyncio.to_thread(self._fold_all, events, seen)
                else:
                    self._fold_all(events, seen)
            finally:
                rows = await ahead
            self._forget_oldest()
            if progress:
                progress(len(events))
        return self.audit.position - first

    def row(self, table: str, key: str) -> Struct | None:
        """A row that the last event touched."""
        return self._replay.rows[table].get(key)

    async def write(self, tables: Iterable[str] = TABLES) -> None:
        """Bring the temporary tables up to date, or some of them."""
        for table in tables:
            self._encode(table, list(self._changed[table]))
        await self._send()

    async def analyze(self) -> None:
        """Let the planner know how large the tables are."""
        await self._connection.execute(_ANALYZE)

    def _decoded(self, row: "Row") -> Logged:
        try:
            return event_log.logged(row)
        except (KeyError, MsgspecError) as error:
            stream = row["aggregate_id"].partition("-")[0]
            column = "event_type" if isinstance(error, KeyError) else "event_data"
            fault = Fault(
                tenant_id=self.tenant_id,
                table=f"{stream}_events",
                column=column,
                position=row["position"],
                key=row["aggregate_id"],
                expected="an event of this version",
                found=row[column],
            )
            raise FaultFound(fault) from error

    async def _rows(self, after: int | None = None) -> "Sequence[Row]":
        after = self.audit.position if after is None else after
        return await event_log.rows(
            self._connection, self.tenant_id, after=after, limit=self._at_once
        )

    async def _ahead(self, rows: "Sequence[Row]") -> "Sequence[Row]":
        """Write what is to be written, and read what follows on `rows`."""
        await self._send()
        return await self._rows(rows[-1]["position"]) if len(rows) == self._at_once else ()

    async def _load_for(self, events: Sequence[Logged]) -> None:
        for table, keys in _own(events).items():
            await self._load(table, keys)
        users = set(self._users(events))
        for view in USER_VIEWS:
            await self._load(view.name, users)

    def _fold_all(self, events: Iterable[Logged], seen: Callable[[Change], object] | None) -> None:
        for logged in events:
            changed = self._fold(logged)
            if seen:
                seen(changed)

    def _forget_oldest(self) -> None:
        """Keep to the limit; what was not written yet waits to be sent."""
        for table, rows in self._replay.rows.items():
            if len(rows) > self._held_rows:
                oldest = list(islice(rows, len(rows) - self._held_rows))
                self._encode(table, self._changed[table].intersection(oldest))
                for key in oldest:
                    del rows[key]

    def _users(self, events: Iterable[Logged]) -> Iterator[str]:
        """The users whom the events are about; an event that opens nothing may not say it."""
        placed: dict[str, str] = {}
        for logged in events:
            recorded = logged.recorded
            user_id: str | None = getattr(recorded.event, "user_id", None)
            if user_id is None:
                bet = self._replay.bet(recorded.aggregate_id)
                user_id = bet.user_id if bet else placed.get(recorded.aggregate_id)
            elif isinstance(recorded.event, BetEvent):
                placed[recorded.aggregate_id] = user_id
            if user_id is not None:
                yield user_id

    def _fold(self, logged: Logged) -> Change:
        recorded = logged.recorded
        self.audit.take(logged)
        try:
            changed = self._replay.fold(recorded)
        except DomainError as error:
            raise self.audit.fault(logged, "event_type", "what can follow", error) from error
        self.audit.take_version(logged, changed.before.version if changed.before else 0)
        self.snapshots.take(changed, self._replay.rows)
        for projection in FOLDS[type(changed)]:
            self._changed[projection.table.name].add(projection.key(changed))
        return changed

    async def _load(self, table: str, keys: Iterable[str]) -> None:
        """Have the rows of these keys in memory, as far as they were written before."""
        rows, field = self._replay.rows[table], _KEYS[table]
        if table not in self._written or field is None:
            return
        missing = {key for key in keys if key not in rows}
        if not missing:
            return
        await self._send()
        query, decode = _BY_KEYS[table], _DECODERS[table].decode
        arguments = query.arguments(tenant_id=self.tenant_id, keys=list(missing))
        for (document,) in await self._connection.fetch(query.text, *arguments):
            row = decode(document)
            rows[getattr(row, field)] = row

    def _encode(self, table: str, keys: Collection[str]) -> None:
        """Have rows wait to be sent, as JSON."""
        rows, start = self._replay.rows[table], b'{"tenant_id":%d,' % self.tenant_id
        documents = [start + ENCODER.encode(rows[key])[1:] for key in keys]
        for at in range(0, len(documents), _ROWS_AT_ONCE):
            some = b",".join(documents[at : at + _ROWS_AT_ONCE])
            self._unsent.append((table, f"[{some.decode()}]"))
            self._written.add(table)
        self._changed[table].difference_update(keys)

    async def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        for table, rows in unsent:
            query = _PUT[table]
            await self._connection.execute(query.text, *query.arguments(rows=rows))


def _own(events: Iterable[Logged]) -> dict[str, list[str]]:
    """The bets and payments that were there before the events; what opens one needs no row."""
    keys: dict[str, list[str]] = {bets_view.name: [], payments_view.name: []}
    for logged in events:
        recorded = logged.recorded
        if recorded.version > 1:
            if isinstance(recorded.event, BetEvent):
                keys[bets_view.name].append(recorded.aggregate_id)
            elif isinstance(recorded.event, PaymentEvent):
                keys[payments_view.name].append(recorded.aggregate_id)
    return keys
