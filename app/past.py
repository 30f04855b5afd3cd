"""The rows of a tenant as they were at a position of its log."""

from collections.abc import Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, get_args

from msgspec import Struct
from msgspec.json import Decoder

from app import event_log, problems
from app.event_log import Logged, logged
from app.problems import problem
from app.query import Query
from app.replay import Replay
from domain.balance import PREFIX, Balance
from domain.bet import Bet, BetStatus
from domain.events import STREAM_EVENTS, Stream
from projections import events, past_bets, snapshots, tenants_summary, user_balances
from projections.bets import bets_view
from projections.change import TENANT_KEY, Projection
from projections.payments import payments_view
from projections.tenants_summary import TenantSummary, tenants_summary_view
from projections.user_balances import user_balances_view

if TYPE_CHECKING:
    import asyncpg

    from app.event_log import Connection

RowT = TypeVar("RowT", bound=Struct)

MOST_FOLDED: Final = 100_000
"""The events that are folded for one answer, at most; without snapshots it can be all."""

_AT_ONCE: Final = 500  # then others get a turn
_SOURCES: Final[dict[str, tuple[Stream, str]]] = {
    bets_view.name: ("bet", ""),
    payments_view.name: ("payment", ""),
    user_balances_view.name: ("balance", PREFIX),
}
_TABLES: Final = {stream: table for table, (stream, _) in _SOURCES.items()}
_OF_AGGREGATE: Final = {stream: Query(events.of_aggregate(stream)) for stream in STREAM_EVENTS}
_MANY: Final[tuple[Stream, ...]] = ("bet", "payment")  # of which several are wanted at once
_OF_AGGREGATES: Final = {stream: Query(events.of_aggregates(stream)) for stream in _MANY}
_SNAPSHOT: Final = Query(snapshots.newest())
_BETS: Final = {status: Query(past_bets.of_user(status)) for status in (None, *get_args(BetStatus))}
_SUMMARY: Final = tenants_summary_view.name


class Past:
    """Folds what the log of a tenant holds up to `position`, by the folds of the present.

    Reads on the caller's connection, whose transaction makes it one snapshot.
    """

    def __init__(self, connection: "Connection", tenant_id: int, position: int) -> None:
        self.position: Final = position
        self._connection = connection
        self._tenant_id = tenant_id

    async def row(self, projection: Projection[RowT, Any], key: str) -> RowT | None:
        """The row of a bet, a payment, a balance or the tenant's summary, if there was one.

        Raises `Problem` when more than `MOST_FOLDED` events would have to be folded.
        """
        if projection.table is tenants_summary_view:
            return cast("RowT | None", await self._summary())
        stream, prefix = _SOURCES[projection.table.name]
        row: Balance | None = None
        if stream == "balance":
            row, _ = await self._snapshot(user_balances.projection, key)
        return cast("RowT | None", await self._aggregate(stream, prefix + key, key, row))

    async def bets(
        self, user_id: str, status: BetStatus | None, *, before: int, limit: int
    ) -> tuple[list[Bet], int]:
        """A user's bets that last changed below the position `before`, and how many all are."""
        found = await self._fetch(
            _BETS[status], user_id=user_id, at=self.position, before=before, limit=limit
        )
        if not found:
            return [], 0
        bet_ids = cast("list[str]", found[0]["bet_ids"] or [])
        replay = await self._folded("bet", bet_ids, self.position)
        return [cast("Bet", replay.bet(bet_id)) for bet_id in bet_ids], found[0]["total"]

    async def _aggregate(
        self, stream: Stream, aggregate_id: str, key: str, row: Balance | None
    ) -> Struct | None:
        """The aggregate after its events up to the position, folded on an earlier `row`."""
        replay, table = Replay(()), _TABLES[stream]
        replay.rows[table][key] = row
        start = version = row.version if row else 0
        while True:
            records = await self._fetch(
                _OF_AGGREGATE[stream],
                aggregate_id=aggregate_id,
                after_version=version,
                to=self.position,
                limit=_AT_ONCE,
            )
            for record in records:
                version = replay.fold(logged(record).recorded).recorded.version
            _check(version - start)
            if len(records) < _AT_ONCE:
                return replay.rows[table][key]

    async def _summary(self) -> TenantSummary | None:
        row, start = await self._snapshot(tenants_summary.projection, TENANT_KEY)
        _check(self.position - start)
        chunks = event_log.read(
            self._connection, self._tenant_id, after=start, to=self.position, at_once=_AT_ONCE
        )
        async with aclosing(chunks):
            async for chunk in chunks:
                replay = Replay([_SUMMARY])
                replay.rows[_SUMMARY][TENANT_KEY] = row
                await self._add_known(replay, chunk)
                for each in chunk:
                    replay.fold(each.recorded)
                row = cast("TenantSummary", replay.rows[_SUMMARY][TENANT_KEY])
        return row

    async def _add_known(self, replay: Replay, chunk: list[Logged]) -> None:
        """Add the bets and payments that `chunk` goes on with, as they were before it.

        A summary takes from a balance's change only what the event says, so balances, which
        can have any number of events, may begin at zero.
        """
        before = chunk[0].recorded.position - 1
        first: dict[str, Logged] = {}
        for each in chunk:
            first.setdefault(each.recorded.aggregate_id, each)
        for stream in _MANY:
            kinds = STREAM_EVENTS[stream]
            known = [
                aggregate_id
                for aggregate_id, each in first.items()
                if each.recorded.version > 1 and isinstance(each.recorded.event, kinds)
            ]
            if known:
                folded = await self._folded(stream, known, before)
                replay.rows[_TABLES[stream]].update(folded.rows[_TABLES[stream]])

    async def _folded(self, stream: Stream, aggregate_ids: Iterable[str], to: int) -> Replay:
        """Aggregates of a stream after their events up to a position."""
        replay = Replay(())
        records = await self._fetch(
            _OF_AGGREGATES[stream], aggregate_ids=list(aggregate_ids), to=to
        )
        for record in sorted(records, key=lambda record: cast("int", record["position"])):
            replay.fold(logged(record).recorded)
        return replay

    async def _snapshot(
        self, projection: Projection[RowT, Any], key: str
    ) -> tuple[RowT | None, int]:
        """The newest snapshot of a row up to the position, with its own position, or none and 0."""
        found = await self._fetch(
            _SNAPSHOT, projection=projection.table.name, key=key, to=self.position
        )
        if not found:
            return None, 0
        row = Decoder(projection.row_type).decode(found[0]["document"])
        return row, found[0]["position"]

    async def _fetch(self, query: Query, **values: object) -> "list[asyncpg.Record]":
        arguments = query.arguments(tenant_id=self._tenant_id, **values)
        return await self._connection.fetch(query.text, *arguments)


def _check(number: int) -> None:
    if number > MOST_FOLDED:
        detail = (
            f"There is no snapshot within {MOST_FOLDED} events of that moment;"
            " the command `stakebook projections rebuild` makes those that are missing."
        )
        raise problem(problems.HISTORY_TOO_LONG, detail)
