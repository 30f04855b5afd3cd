"""A second opinion on the hash chain, written from its description and not from its code."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import asyncpg

_COLUMNS: Final = """
    tenant_id, position, id::text, aggregate_id, version, timestamp, idempotency_key,
    metadata, event_type, event_data, hash
"""
_LOG: Final = " UNION ALL ".join(
    f"SELECT {_COLUMNS} FROM {table} WHERE tenant_id = $1"  # noqa: S608 -- names of columns and tables
    for table in ("bet_events", "payment_events", "balance_events")
)
_text: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ROWS_AT_A_TIME: Final = 2000

# The order of the schemas; JSONB does not keep it. An event has some of them.
_MEMBERS: Final = (
    *("user_id", "stake", "odds", "fixture_id"),
    *("result", "payout"),
    *("amount", "payment_id", "bet_id", "reason"),
)
_METADATA: Final = ("correlation_id", "related_to", "causation_id", "actor", "traceparent")


async def first_false_positions(connection: "asyncpg.Connection[Any]") -> dict[int, int]:
    """Tenants with an event whose hash is not the recomputed one, and the first one's position.

    The position after the last event stands for a head that holds another hash.
    """
    heads = await connection.fetch("SELECT tenant_id, hash FROM tenant_heads ORDER BY tenant_id")
    found = {head["tenant_id"]: await _false(connection, *head) for head in heads}
    return {tenant_id: position for tenant_id, position in found.items() if position}


async def _false(connection: "asyncpg.Connection[Any]", tenant_id: int, head: bytes) -> int | None:
    position = 0
    previous = b""
    async with connection.transaction():
        async for row in connection.cursor(
            f"{_LOG} ORDER BY position", tenant_id, prefetch=_ROWS_AT_A_TIME
        ):
            position = int(row["position"])
            previous = sha256(previous + _header(row) + _event(row)).digest()
            if previous != row["hash"]:
                return position
    return None if head == previous else position + 1


def _header(row: Mapping[str, Any]) -> bytes:
    values = (
        row["tenant_id"],
        row["position"],
        row["id"],
        row["aggregate_id"],
        row["version"],
        row["timestamp"],
        row["idempotency_key"],
        _in_order(json.loads(row["metadata"]), _METADATA),
    )
    return _text(values).encode()


def _event(row: Mapping[str, Any]) -> bytes:
    data = json.loads(row["event_data"], parse_float=Decimal, parse_int=Decimal)
    named = {"event_type": row["event_type"], **_in_order(data, _MEMBERS)}
    members = (f'"{name}":{_value(value)}' for name, value in named.items())
    return f"{{{','.join(members)}}}".encode()


def _value(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, Decimal) else _text(value)


def _in_order(members: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: members[name] for name in names if name in members}
