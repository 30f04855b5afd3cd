"""What the tables must hold, by what customers were told and by nothing else."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import asyncpg

from app.database import batch_connection
from app.verification import verify
from tests.app.ledger import Connection, events
from tests.faults.customers import Customer

_KEYS: Final = "SELECT idempotency_key, status FROM idempotency_keys WHERE tenant_id = $1"
_BALANCES: Final = "SELECT user_id, balance FROM user_balances_view WHERE tenant_id = $1"
_MOVED: Final = """
    SELECT event_data->>'user_id' AS user_id, sum(
        CASE event_type WHEN 'V1_BALANCES_BALANCE_INCREASED' THEN 1 ELSE -1 END
        * (event_data->>'amount')::numeric
    ) AS balance FROM balance_events WHERE tenant_id = $1 GROUP BY 1
"""


async def assert_balanced(url: str, customers: Sequence[Customer]) -> None:
    """Every command that was acknowledged is there once and whole, and nothing else is.

    The customers are all who have written to their tenants.
    """
    connection = await asyncpg.connect(url)
    try:
        for tenant in {customer.tenant_id for customer in customers}:
            own = [customer for customer in customers if customer.tenant_id == tenant]
            await _assert_commands(connection, tenant, own)
            await _assert_money(connection, tenant, own)
    finally:
        await connection.close()
    await _assert_verified(url, {customer.tenant_id for customer in customers})


async def _assert_commands(
    connection: Connection, tenant: int, customers: Sequence[Customer]
) -> None:
    told = {each.key: each for customer in customers for each in customer.told}
    made = defaultdict[str, list[str]](list)
    for row in await events(connection, tenant):
        made[row["idempotency_key"]].append(row["event_type"].split("_", 2)[2])
    due = {key: list(each.order.events) for key, each in told.items() if each.order.events}
    assert made == due
    kept = [tuple(row) for row in await connection.fetch(_KEYS, tenant)]
    assert sorted(kept) == sorted((key, each.order.status) for key, each in told.items())


async def _assert_money(connection: Connection, tenant: int, customers: Sequence[Customer]) -> None:
    due = {
        customer.user_id: sum((told.order.moved for told in customer.told), Decimal(0))
        for customer in customers
        if customer.told
    }
    for query in (_BALANCES, _MOVED):
        assert dict(map(tuple, await connection.fetch(query, tenant))) == due


async def _assert_verified(url: str, tenants: set[int]) -> None:
    async with batch_connection(url, "test") as connection:
        for tenant in tenants:
            fault = (await verify(connection, tenant, lambda _: None)).fault
            assert fault is None, str(fault)
