"""A window on a tenant's rows for a long fold: some in memory, the others in their tables."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import astuple

from app.copying import copied
from app.event_log import Logged
from app.query import Query
from app.replay import Replay
from app.tenant_state import TABLES
from app.wanted import TENANT_VIEWS, USER_VIEWS
from domain.bet import BetCancelled, BetConfirmed, BetSettled
from domain.events import STREAM_OF, DomainEvent
from domain.recorded import Recorded
from projections import PROJECTIONS
from projections.bets import bets_view
from projections.change import TENANT_KEY, Projection
from projections.payments import payments_view
from projections.rows import taken

if TYPE_CHECKING:
    import asyncpg

    Connection: TypeAlias = asyncpg.Connection[Any]

MOST_ROWS: Final = 200_000
"""Rows of each table in memory, about 1 kB each."""

_TAKEN: Final = {projection.table.name: Query(taken(projection)) for projection in PROJECTIONS}
_PROJECTIONS: Final = {projection.table.name: projection for projection in PROJECTIONS}
_OF_AGGREGATES: Final = {"bet": bets_view.name, "payment": payments_view.name}
_OF_USERS: Final = tuple(view.name for view in USER_VIEWS)
_OF_TENANT: Final = tuple(view.name for view in TENANT_VIEWS)


class RowWindow:
    """The rows that events are folded on; each is in memory or in its table, never in both.

    What an event touches is taken out of its table before; what has been in memory for
    longest goes back by COPY when a table has more than `most` rows here. So a row is written
    a second time only if it is touched again long after it was new. `position` is that of the
    last event which the tables know of. Everything happens in the caller's transaction.
    """

    def __init__(
        self, connection: "Connection", tenant_id: int, position: int, most: int = MOST_ROWS
    ) -> None:
        self.replay: Final = Replay()
        self._connection = connection
        self._tenant_id = tenant_id
        self._stored: Final = dict.fromkeys(TABLES, position > 0)
        self._most = most

    async def open(self, events: Sequence[Logged]) -> None:
        """Take what these events touch out of the tables."""
        if not any(self._stored.values()):
            return
        for stream, view in _OF_AGGREGATES.items():
            ids = {
                each.recorded.aggregate_id
                for each in events
                if STREAM_OF[type(each.recorded.event)] == stream and each.recorded.version > 1
            }
            await self._take(view, ids)
        users = {user for each in events if (user := self._user_of(each.recorded))}
        for view in _OF_USERS:
            await self._take(view, users)
        for view in _OF_TENANT:
            await self._take(view, {TENANT_KEY})
            self._stored[view] = False  # its only row is here now

    async def trim(self) -> None:
        """Put the rows back that have been here longest, where a table has too many."""
        for projection in PROJECTIONS:
            held = len(self.replay.rows[projection.table.name])
            if held > self._most:  # in bulk: down to a half
                await self._put(projection, held - self._most // 2)

    async def close(self) -> None:
        """Put all rows back."""
        for projection in PROJECTIONS:
            await self._put(projection, len(self.replay.rows[projection.table.name]))

    def _user_of(self, recorded: Recorded[DomainEvent]) -> str | None:
        """The user whose rows the event touches; None for a bet that is new itself."""
        if isinstance(recorded.event, BetConfirmed | BetSettled | BetCancelled):
            bet = self.replay.bet(recorded.aggregate_id)
            return bet.user_id if bet else None
        return recorded.event.user_id

    async def _take(self, view: str, keys: set[str]) -> None:
        rows, projection = self.replay.rows[view], _PROJECTIONS[view]
        if not (self._stored[view] and (missing := keys - rows.keys())):
            return
        query = _TAKEN[view]
        values = query.arguments(tenant_id=self._tenant_id, keys=list(missing))
        for record in await self._connection.fetch(query.text, *values):
            row = projection.row_type(**dict(record))
            key = projection.key_column
            rows[record[key] if key else TENANT_KEY] = row

    async def _put(self, projection: Projection[Any, Any], number: int) -> None:
        view = projection.table.name
        rows = self.replay.rows[view]
        keys = list(islice(rows, number))
        await copied(
            self._connection,
            self._tenant_id,
            projection.table,
            ("tenant_id", *projection.row_type.__struct_fields__),
            [(self._tenant_id, *astuple(row)) for key in keys if (row := rows.pop(key))],
        )
        self._stored[view] = True
