"""How a row of a view came about: which events made each of its columns."""

from collections import deque
from collections.abc import AsyncGenerator, Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from app import event_log
from app.event_log import Logged
from app.query import Query
from app.replay import Replay
from app.shadow import Shadow
from domain.balance import PREFIX
from domain.events import EVENT_TYPE, DomainEvent, Stream
from domain.recorded import Recorded
from projections import PROJECTIONS, bets, events, payments, rows, user_balances
from projections.change import Change, Projection

if TYPE_CHECKING:
    from app.event_log import Connection

VIEWS: Final[dict[str, Projection[Any, Any]]] = {
    projection.table.name: projection for projection in PROJECTIONS
}

_AT_ONCE: Final = 1_000
# A row that is an aggregate's own is made by the events of this aggregate alone.
_AGGREGATES: Final[dict[str, tuple[Stream, str]]] = {
    bets.bets_view.name: ("bet", ""),
    payments.payments_view.name: ("payment", ""),
    user_balances.user_balances_view.name: ("balance", PREFIX),
}
_EVENTS: Final = {
    view: Query(events.of_aggregate(stream)) for view, (stream, _) in _AGGREGATES.items()
}
_STORED: Final = {view: Query(rows.by_keys(projection)) for view, projection in VIEWS.items()}


class Cause(Struct, frozen=True):
    """An event that changed a column, and the value it gave it; `timestamp` in milliseconds."""

    column: str
    value: Any
    position: int
    event_type: str
    timestamp: int


class Explanation(Struct, frozen=True):
    """The row as its events make it, the row that is stored, and what made each column.

    `causes` are the last ones of each column, oldest first; `earlier` counts those before them.
    """

    made: Struct | None
    stored: Mapping[str, Any] | None
    causes: Mapping[str, deque[Cause]]
    earlier: Mapping[str, int]

    @property
    def wrong(self) -> dict[str, tuple[Any, Any]]:
        """The columns that are stored otherwise than their events make them: made and stored."""
        made = {} if self.made is None else _fields(self.made)
        stored = dict(self.stored or {})
        return {
            column: (made.get(column), stored.get(column))
            for column in made | stored
            if made.get(column) != stored.get(column)
        }


async def explain(
    connection: "Connection", tenant_id: int, view: str, key: str, last: int
) -> Explanation:
    """The last so many causes of each column of a row, in one snapshot.

    A row that is an aggregate's own needs the events of this aggregate; the others (totals)
    need the whole log. Raises `FaultFound` for a log that is not whole.
    """
    history = _History(VIEWS[view], key, last)
    made = Shadow(connection, tenant_id)
    await made.open()
    async with connection.transaction(isolation="repeatable_read"):
        if view in _AGGREGATES:
            replay = Replay()
            async for logged in _events(connection, tenant_id, view, key):
                history.see(replay.fold(logged.recorded), replay.rows[view].get(key))
        else:
            await made.catch_up(seen=lambda changed: history.see(changed, made.row(view, key)))
        stored = await _stored(connection, tenant_id, view, key)
    return Explanation(history.row, stored, history.causes, history.earlier)


class _History:
    """What events have made of one row."""

    def __init__(self, projection: Projection[Any, Any], key: str, last: int) -> None:
        self.row: Struct | None = None
        self.causes: Final[dict[str, deque[Cause]]] = {}
        self.earlier: Final[dict[str, int]] = {}
        self._projection: Final = projection
        self._key: Final = key
        self._last: Final = last

    def see(self, changed: Change, row: Struct | None) -> None:
        """Take an event; `row` is the row after it, if the event has touched it."""
        touches = isinstance(changed, self._projection.changes)
        if row is None or not touches or self._projection.key(changed) != self._key:
            return
        before = {} if self.row is None else _fields(self.row)
        for column, value in _fields(row).items():
            if column not in before or value != before[column]:
                self._add(_cause(column, value, changed.recorded))
        self.row = row

    def _add(self, cause: Cause) -> None:
        causes = self.causes.setdefault(cause.column, deque(maxlen=self._last))
        if len(causes) == self._last:
            self.earlier[cause.column] = self.earlier.get(cause.column, 0) + 1
        causes.append(cause)


def _cause(column: str, value: object, recorded: Recorded[Any]) -> Cause:
    event: DomainEvent = recorded.event
    return Cause(column, value, recorded.position, EVENT_TYPE[type(event)], recorded.timestamp)


async def _events(
    connection: "Connection", tenant_id: int, view: str, key: str
) -> AsyncGenerator[Logged]:
    query, prefix = _EVENTS[view], _AGGREGATES[view][1]
    version, found = 0, _AT_ONCE
    while found == _AT_ONCE:
        arguments = query.arguments(
            tenant_id=tenant_id,
            aggregate_id=prefix + key,
            after_version=version,
            to=events.END,
            limit=_AT_ONCE,
        )
        records = await connection.fetch(query.text, *arguments)
        for record in records:
            yield event_log.logged(record)
        found = len(records)
        version = records[-1]["version"] if records else version


async def _stored(
    connection: "Connection", tenant_id: int, view: str, key: str
) -> Mapping[str, Any] | None:
    query = _STORED[view]
    arguments = query.arguments(tenants=[tenant_id], keys=[key], named=[tenant_id])
    record = await connection.fetchrow(query.text, *arguments)
    if record is None:
        return None
    return {name: value for name, value in record.items() if name != "number"}


def _fields(row: Struct) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
