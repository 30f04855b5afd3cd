"""What the tables of a database must say of one another, worked out from the rows alone."""

import json
from collections.abc import Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, TypeAlias, cast

import asyncpg
from msgspec import Struct, convert

from domain.balance import Balance
from domain.bet import Bet
from domain.events import EVENT_TYPE, DomainEvent
from domain.payment import Payment
from domain.recorded import Metadata, Recorded
from projections import EVENT_TABLES, PROJECTIONS
from projections.change import before, change

Connection: TypeAlias = "asyncpg.Connection[Any]"

CLASSES = {event_type: event_class for event_class, event_type in EVENT_TYPE.items()}
AMOUNTS = {"stake", "odds", "payout", "amount"}
METADATA = ("correlation_id", "related_to", "causation_id", "actor", "traceparent")
FIELDS = (
    *("user_id", "stake", "odds", "fixture_id", "result", "payout"),
    *("amount", "payment_id", "bet_id", "reason"),
)


async def events(connection: Connection, tenant: int) -> list[asyncpg.Record]:
    """The tenant's rows of all event tables in the order of their positions."""
    tables = [table.name for table in EVENT_TABLES.values()]
    columns = (
        "tenant_id, position, id, aggregate_id, event_type, event_name, event_data, timestamp,"
        " version, idempotency_key, metadata, hash"
    )
    union = " UNION ALL ".join(f"SELECT {columns} FROM {table}" for table in tables)  # noqa: S608
    query = f"SELECT * FROM ({union}) AS log WHERE tenant_id = $1 ORDER BY position"  # noqa: S608
    return await connection.fetch(query, tenant)


async def head(connection: Connection, tenant: int) -> asyncpg.Record:
    """The tenant's head."""
    query = "SELECT * FROM tenant_heads WHERE tenant_id = $1"
    found: list[asyncpg.Record] = await connection.fetch(query, tenant)
    return found[0]


async def assert_sound(connection: Connection, tenant: int) -> list[asyncpg.Record]:
    """Positions and versions are dense, times ordered, the chain whole, the views equal the log."""
    log = await events(connection, tenant)
    assert [row["position"] for row in log] == list(range(1, len(log) + 1))
    versions: dict[str, list[int]] = {}
    for row in log:
        versions.setdefault(row["aggregate_id"], []).append(row["version"])
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    times = [row["timestamp"] for row in log]
    assert times == sorted(times)
    assert [row["hash"] for row in log] == chain(log)
    if log:
        at = await head(connection, tenant)
        assert (at["position"], at["hash"]) == (len(log), log[-1]["hash"])
        assert at["last_timestamp"] == log[-1]["timestamp"]
    assert await views(connection, tenant) == folded(log)
    return log


def chain(log: Sequence[asyncpg.Record]) -> list[bytes]:
    """The hashes that the rows must have, by the description of the chain."""
    hashes: list[bytes] = []
    for row in log:
        metadata = json.loads(row["metadata"])
        header = [
            *(row["tenant_id"], row["position"], str(row["id"]), row["aggregate_id"]),
            *(row["version"], row["timestamp"], row["idempotency_key"]),
            {name: metadata[name] for name in METADATA if name in metadata},
        ]
        covered = _compact(header) + _event(row["event_type"], row["event_data"])
        hashes.append(sha256((hashes[-1] if hashes else b"") + covered).digest())
    return hashes


def _event(event_type: str, data: str) -> bytes:
    payload: dict[str, Any] = json.loads(data, parse_float=Decimal, parse_int=Decimal)
    members = [f'"event_type":"{event_type}"']
    for name in FIELDS:
        if name in payload:
            value = payload[name]
            text = f"{value:.4f}" if name in AMOUNTS else _compact(value).decode()
            members.append(f'"{name}":{text}')
    return f"{{{','.join(members)}}}".encode()


def _compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class Folded:
    """The rows of the five views by table and key, as a ledger to fold on."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Struct]] = {p.table.name: {} for p in PROJECTIONS}

    def bet(self, bet_id: str, /) -> Bet | None:
        return cast("Bet | None", self.rows["bets_view"].get(bet_id))

    def payment(self, payment_id: str, /) -> Payment | None:
        return cast("Payment | None", self.rows["payments_view"].get(payment_id))

    def balance(self, user_id: str, /) -> Balance | None:
        return cast("Balance | None", self.rows["user_balances_view"].get(user_id))

    def take(self, recorded: Recorded[DomainEvent]) -> None:
        """Fold one event into every view that it touches."""
        changed = change(recorded, before(recorded.event, recorded.aggregate_id, self))
        for projection in PROJECTIONS:
            if isinstance(changed, projection.changes):
                rows, key = self.rows[projection.table.name], projection.key(changed)
                rows[key] = projection.fold(rows.get(key), changed)


def folded(log: Sequence[asyncpg.Record]) -> dict[str, list[dict[str, Any]]]:
    """What the five views must hold: the fold over the events of `log`."""
    state = Folded()
    for row in log:
        data = json.loads(row["event_data"], parse_float=Decimal)
        recorded = Recorded[DomainEvent](
            tenant_id=row["tenant_id"],
            position=row["position"],
            id=row["id"],
            aggregate_id=row["aggregate_id"],
            version=row["version"],
            timestamp=row["timestamp"],
            idempotency_key=row["idempotency_key"],
            metadata=convert(json.loads(row["metadata"]), Metadata),
            event=convert(
                data | {"event_type": row["event_type"]}, CLASSES[row["event_type"]], strict=True
            ),
        )
        state.take(recorded)
    return {
        table: _sorted([_fields(row) for row in rows.values()])
        for table, rows in state.rows.items()
    }


async def views(connection: Connection, tenant: int) -> dict[str, list[dict[str, Any]]]:
    """What the five views hold of the tenant."""
    held: dict[str, list[dict[str, Any]]] = {}
    for projection in PROJECTIONS:
        table = projection.table.name
        found = await connection.fetch(
            f"SELECT * FROM {table} WHERE tenant_id = $1",  # noqa: S608
            tenant,
        )
        rows = [{k: v for k, v in row.items() if k != "tenant_id"} for row in found]
        held[table] = _sorted(rows)
    return held


def _fields(row: Struct) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = ("bet_id", "payment_id", "user_id")
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in names])
