"""Ways in which somebody with access to the database can spoil a tenant, one at a time."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any, NamedTuple

from projections import EVENT_TABLES, PROJECTIONS
from projections.row_security import OPERATOR_ROLE
from tests.app.ledger import Connection, events

VIEWS = {projection.table.name: projection.key_column for projection in PROJECTIONS}
TOTALS = {
    "user_balances_view": ["balance", "transaction_count"],
    "tenants_summary_view": ["turnover", "payouts", "gross_gaming_revenue", "deposits", "balances"],
    "user_activity_view": ["staked", "won", "lost", "deposited", "bets", "payments_created"],
}
COLUMNS_OF_EVENTS = (
    *("id", "aggregate_id", "event_type", "event_name", "timestamp", "version", "metadata"),
    *("hash", "idempotency_key", "event_data"),
)
OTHER = {
    "text": "{} || 'x'",
    "bigint": "{} + 1000",
    "numeric": "coalesce({}, 0) + 0.0001",
    "timestamp with time zone": "{} + interval '1 millisecond'",
    "uuid": "gen_random_uuid()",
    "bytea": "set_byte({0}, 7, (get_byte({0}, 7) + 1) % 256)",
    "jsonb": "{} || '{{\"beyond\": 1}}'",
}


class Corruption(NamedTuple):
    """What was done, and where it should be found first: the table, and the column if one alone."""

    told: str
    table: str
    column: str | None = None
    position: int | None = None


class Vandal:
    """Spoils the tenant by SQL, with the trigger that keeps events as they are switched off."""

    def __init__(self, connection: Connection, tenant: int, seed: int) -> None:
        self.random = Random(seed)
        self._connection = connection
        self._tenant = tenant
        self.kinds: list[Callable[[], Awaitable[Corruption]]] = [
            self.edit_row,
            self.edit_row,
            self.lose_or_double_delta,
            self.remove_row,
            self.invent_row,
            self.edit_event,
            self.edit_event,
            self.edit_amount,
            self.remove_event,
            self.swap_events,
            self.edit_head,
        ]

    @asynccontextmanager
    async def spoilt(self) -> AsyncGenerator[Corruption, None]:
        """Spoil one thing, chosen at random, for the connection alone."""
        transaction = self._connection.transaction(isolation="repeatable_read")
        await transaction.start()
        # As somebody with the server in his hands: no trigger and no policy is in his way.
        await self._connection.execute(
            "SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica"
        )
        corruption = await self.random.choice(self.kinds)()
        await self._connection.execute(f"SET LOCAL ROLE {OPERATOR_ROLE}")
        yield corruption
        await transaction.rollback()

    async def edit_row(self) -> Corruption:
        """Another value in any column of any row of a view."""
        table = self.random.choice(list(VIEWS))
        row = await self._any_row(table)
        column = self.random.choice([name for name in row if name not in {"tenant_id", "ctid"}])
        await self._set(table, row["ctid"], column)
        if column == VIEWS[table]:
            return Corruption(f"{table}: another {column}", table)
        return Corruption(f"{table}: another {column}", table, column, row["last_position"])

    async def lose_or_double_delta(self) -> Corruption:
        """A total without, or with twice, what one event added."""
        table = self.random.choice(list(TOTALS))
        column = self.random.choice(TOTALS[table])
        row = await self._any_row(table)
        sign = self.random.choice("+-")
        await self._execute(table, row["ctid"], f"{column} = {column} {sign} 1")
        return Corruption(f"{table}: a delta of {column} too many or few", table, column)

    async def remove_row(self) -> Corruption:
        """A row that is gone."""
        table = self.random.choice(list(VIEWS))
        row = await self._any_row(table)
        await self._connection.execute(f"DELETE FROM {table} WHERE ctid = $1", row["ctid"])  # noqa: S608
        return Corruption(f"{table}: a row less", table, "the row", row["last_position"])

    async def invent_row(self) -> Corruption:
        """A row that no event has made."""
        table = self.random.choice([view for view, key in VIEWS.items() if key])
        row = await self._any_row(table)
        key = VIEWS[table]
        columns = [name for name in row if name not in {"ctid", "idempotency_key"}]
        values = ["'invented'" if name == key else name for name in columns]
        await self._connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608
            f" SELECT {', '.join(values)} FROM {table} WHERE ctid = $1",
            row["ctid"],
        )
        return Corruption(f"{table}: a row more", table, "the row", row["last_position"])

    async def edit_event(self) -> Corruption:
        """Another value in any column that was written with an event."""
        table, event = await self._any_event()
        column = self.random.choice(COLUMNS_OF_EVENTS)
        await self._set(table, event["ctid"], column)
        return Corruption(f"{table}: another {column}", table, None, event["position"])

    async def edit_amount(self) -> Corruption:
        """Another amount in the payload."""
        table, event = await self._any_event("event_data ?| ARRAY['stake', 'amount', 'payout']")
        member = {"bet_events": "stake"}.get(table, "amount")
        member = member if f'"{member}"' in event["event_data"] else "payout"
        change = f"event_data = jsonb_set(event_data, '{{{member}}}', '1.0001')"
        await self._execute(table, event["ctid"], change)
        return Corruption(f"{table}: another {member}", table, "hash", event["position"])

    async def remove_event(self) -> Corruption:
        """An event that is gone; the last one with the head as it was before it."""
        log = await events(self._connection, self._tenant)
        at = self.random.choice([*range(len(log)), len(log) - 1])
        for table in EVENT_TABLES.values():
            await self._connection.execute(
                f"DELETE FROM {table.name} WHERE tenant_id = $1 AND position = $2",  # noqa: S608
                self._tenant,
                log[at]["position"],
            )
        if at < len(log) - 1:
            return Corruption(f"event {at + 1} removed", "", "position", at + 1)
        await self._connection.execute(
            "UPDATE tenant_heads SET position = $2, hash = $3, last_timestamp = $4"
            " WHERE tenant_id = $1",
            self._tenant,
            *(log[-2][name] for name in ("position", "hash", "timestamp")),
        )
        return Corruption("the last event removed, and the head turned back", "")

    async def swap_events(self) -> Corruption:
        """Two events in each other's place."""
        table = self.random.choice([table.name for table in EVENT_TABLES.values()])
        found = await self._connection.fetch(
            f"SELECT position FROM {table} WHERE tenant_id = $1 ORDER BY position",  # noqa: S608
            self._tenant,
        )
        first, second = sorted(self.random.sample([row["position"] for row in found], 2))
        for old, new in ((first, -1), (second, first), (-1, second)):
            await self._connection.execute(
                f"UPDATE {table} SET position = $3 WHERE tenant_id = $1 AND position = $2",  # noqa: S608
                self._tenant,
                old,
                new,
            )
        return Corruption(f"{table}: {first} and {second} swapped", table, None, first)

    async def edit_head(self) -> Corruption:
        """A head that is elsewhere than the log ends."""
        column = self.random.choice(["position", "hash", "last_timestamp"])
        ctid = await self._connection.fetchval(
            "SELECT ctid FROM tenant_heads WHERE tenant_id = $1", self._tenant
        )
        await self._set("tenant_heads", ctid, column)
        return Corruption(f"tenant_heads: another {column}", "tenant_heads", column)

    async def _any_row(self, table: str, condition: str = "true") -> dict[str, Any]:
        rows = await self._connection.fetch(
            f"SELECT ctid, * FROM {table} WHERE tenant_id = $1 AND {condition} ORDER BY ctid",  # noqa: S608
            self._tenant,
        )
        return dict(self.random.choice(rows))

    async def _any_event(self, condition: str = "true") -> tuple[str, dict[str, Any]]:
        table = self.random.choice([table.name for table in EVENT_TABLES.values()])
        return table, await self._any_row(table, condition)

    async def _set(self, table: str, ctid: object, column: str) -> None:
        kind = await self._connection.fetchval(
            "SELECT split_part(format_type(atttypid, NULL), '(', 1) FROM pg_attribute"
            " WHERE attrelid = $1::regclass AND attname = $2",
            table,
            column,
        )
        value = OTHER[kind].format(column)
        if kind == "text":
            value = f"coalesce({column}, '') || 'x'"
        await self._execute(table, ctid, f"{column} = {value}")

    async def _execute(self, table: str, ctid: object, change: str) -> None:
        done = await self._connection.execute(
            f"UPDATE {table} SET {change} WHERE ctid = $1",  # noqa: S608
            ctid,
        )
        assert done == "UPDATE 1"
