"""A second opinion on the hash chain, written from its description and not from its code."""

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import asyncpg

_LOG: Final = """
    SELECT tenant_id, position, id::text, aggregate_id, version, timestamp, idempotency_key,
           metadata, event_type, event_data, hash
    FROM bet_events WHERE tenant_id = $1 ORDER BY position
"""
_ROWS_AT_A_TIME: Final = 2000


async def first_false_position(connection: "asyncpg.Connection[Any]", tenant_id: int) -> int | None:
    """The position of the tenant's first event whose hash is not the recomputed one.

    The position after the last event stands for a head that holds another hash.
    """
    position = 0
    previous = b""
    async with connection.transaction():
        async for row in connection.cursor(_LOG, tenant_id, prefetch=_ROWS_AT_A_TIME):
            position = int(row["position"])
            previous = sha256(previous + _header(row) + _event(row)).digest()
            if previous != row["hash"]:
                return position
    head: bytes | None = await connection.fetchval(
        "SELECT hash FROM tenant_heads WHERE tenant_id = $1", tenant_id
    )
    return None if (head or b"") == previous else position + 1


def _header(row: Mapping[str, Any]) -> bytes:
    values = (
        row["tenant_id"],
        row["position"],
        row["id"],
        row["aggregate_id"],
        row["version"],
        row["timestamp"],
        row["idempotency_key"],
        json.loads(row["metadata"]),
    )
    return _text(values).encode()


def _event(row: Mapping[str, Any]) -> bytes:
    data = json.loads(row["event_data"], parse_float=Decimal, parse_int=Decimal)
    members = (
        f'"event_type":{_text(row["event_type"])}',
        f'"user_id":{_text(data["user_id"])}',
        f'"stake":{data["stake"]:.4f}',
        f'"odds":{data["odds"]:.4f}',
        f'"fixture_id":{_text(data["fixture_id"])}',
    )
    return f"{{{','.join(members)}}}".encode()


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
