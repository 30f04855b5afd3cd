"""The rows of a tenant's views that are wrong, found by its shadow and set from it."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Final

from app.query import Query
from projections import FOLDS, PROJECTIONS, bets, payments, shadow, user_balances, wrong_rows
from projections.change import BalanceChange, BetChange, Change, PaymentChange, Projection
from projections.shadow import shadow_of

if TYPE_CHECKING:
    from app.event_log import Connection

# Whose row an event is decided and folded on: if it is wrong, what the event adds is wrong.
_OWN: Final[dict[type[Change], Projection[Any, Any]]] = {
    BetChange: bets.projection,
    PaymentChange: payments.projection,
    BalanceChange: user_balances.projection,
}

_ADD_TOUCHED: Final = Query(wrong_rows.add_touched())
_TAKE: Final = Query(wrong_rows.take())
_COUNTS: Final = Query(wrong_rows.counts())


class _Statements:
    """What finds and sets the wrong rows of one view."""

    def __init__(self, projection: Projection[Any, Any]) -> None:
        made = shadow_of(projection)
        differing = shadow.differing_keys(projection, made)
        freeing = shadow.free_keys(projection, made)
        self.add: Final = Query(wrong_rows.add(projection.table, differing))
        self.free: Final = None if freeing is None else Query(freeing)
        self.replace: Final = Query(shadow.replace(projection, made))
        self.remove: Final = Query(shadow.remove_unmade(projection, made))


_STATEMENTS: Final = {projection.table.name: _Statements(projection) for projection in PROJECTIONS}


class Correction:
    """The wrong rows of a tenant, in a temporary table; the shadow is up to the caller.

    A right row can become wrong as long as a wrong one is left: an event of a bet is folded on
    the row of the bet. So the events that come after `find` are to be given to `note`.
    """

    def __init__(self, connection: "Connection", tenant_id: int) -> None:
        self._connection: Final = connection
        self._tenant_id: Final = tenant_id
        self._touched: Final[set[tuple[str, str, str, str]]] = set()

    async def find(self) -> None:
        """Compare all rows of all views with the shadow, in the snapshot of the transaction."""
        for statements in _STATEMENTS.values():
            await self._execute(statements.add, tenant_id=self._tenant_id)

    def note(self, changed: Change) -> None:
        """Keep in mind which rows an event has touched."""
        own = _OWN[type(changed)]
        for projection in FOLDS[type(changed)]:
            if projection is not own:
                self._touched.add(
                    (
                        projection.table.name,
                        projection.key(changed),
                        own.table.name,
                        own.key(changed),
                    )
                )

    async def spread(self) -> None:
        """Count in the rows that the events noted have spoilt."""
        if not self._touched:
            return
        tables, keys, own_tables, own_keys = map(list, zip(*self._touched, strict=True))
        self._touched.clear()
        await self._execute(
            _ADD_TOUCHED, table_names=tables, keys=keys, own_tables=own_tables, own_keys=own_keys
        )

    async def left(self) -> Counter[str]:
        """How many rows of each view are still wrong."""
        found = await self._connection.fetch(_COUNTS.text)
        return Counter({row["table_name"]: row["number"] for row in found})

    async def put(self, views: Collection[str], most: int) -> Counter[str]:
        """Set at most so many wrong rows of these views; returns how many of each.

        The aggregates' own come first: while one of them is wrong it spoils others.
        """
        done: Counter[str] = Counter()
        for view, statements in _STATEMENTS.items():
            if view in views and done.total() < most:
                keys = await self._take(view, most - done.total())
                await self._put(statements, keys)
                done[view] += len(keys)
        return done

    async def _put(self, statements: _Statements, keys: Sequence[str]) -> None:
        values: dict[str, object] = {"tenant_id": self._tenant_id, "keys": keys}
        if statements.free:
            await self._execute(statements.free, **values)
        status = await self._execute(statements.replace, **values)
        if int(status.rpartition(" ")[2]) < len(keys):  # the others no event has made
            await self._execute(statements.remove, **values)

    async def _take(self, view: str, limit: int) -> list[str]:
        arguments = _TAKE.arguments(table_name=view, limit=limit)
        return [key for (key,) in await self._connection.fetch(_TAKE.text, *arguments)]

    async def _execute(self, query: Query, **values: object) -> str:
        return await self._connection.execute(query.text, *query.arguments(**values))
