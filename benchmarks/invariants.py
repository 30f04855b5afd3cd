"""What must hold of the database after the load, or the measurement counts for nothing."""

import re
from collections.abc import Iterator
from typing import Final

import asyncpg
from msgspec import Struct

from benchmarks import chain
from benchmarks.failure import BenchmarkFailed
from benchmarks.scenarios import FIRST_TENANT, TENANTS

_CREATED: Final = "201"
_ANSWERS: Final = re.compile(
    r'^stakebook_request_seconds_count{method="POST",route="/bets",status="(\d+)"} (\S+)$',
    re.MULTILINE,
)

_COUNTS: Final = """
    SELECT (SELECT count(*) FROM bet_events) AS bet_events,
           (SELECT count(*) FROM bets_view) AS bets_view,
           (SELECT count(*) FROM idempotency_keys) AS idempotency_keys
"""

# Each query counts the rows that break the rule.
_RULES: Final = {
    "positions are dense": """
        SELECT count(*) FROM (
            SELECT FROM bet_events GROUP BY tenant_id
            HAVING min(position) <> 1 OR max(position) <> count(*)
        ) AS broken
    """,
    "heads are at the last position": """
        SELECT count(*)
        FROM tenant_heads AS head
        FULL JOIN (SELECT tenant_id, max(position) AS position FROM bet_events GROUP BY 1) AS log
            USING (tenant_id)
        WHERE coalesce(head.position, 0) <> coalesce(log.position, 0)
    """,
    "bets are what their events say": """
        SELECT count(*)
        FROM bet_events AS event
        FULL JOIN bets_view AS bet
            ON bet.tenant_id = event.tenant_id AND bet.bet_id = event.aggregate_id
        WHERE (bet.user_id, bet.stake, bet.odds, bet.fixture_id, bet.status,
               bet.idempotency_key, bet.version, bet.last_position)
            IS DISTINCT FROM
              (event.event_data ->> 'user_id', (event.event_data ->> 'stake')::numeric,
               (event.event_data ->> 'odds')::numeric, event.event_data ->> 'fixture_id', 'placed',
               event.idempotency_key, event.version, event.position)
    """,
    "keys lead to the bets they placed": """
        SELECT count(*)
        FROM bet_events AS event
        FULL JOIN idempotency_keys AS taken USING (tenant_id, idempotency_key)
        WHERE (taken.resource_id, taken.status) IS DISTINCT FROM (event.aggregate_id, 201)
    """,
    "summaries add up": """
        SELECT count(*)
        FROM tenants_summary_view AS summary
        FULL JOIN (
            SELECT tenant_id, count(*) AS bets, sum((event_data ->> 'stake')::numeric) AS staked
            FROM bet_events GROUP BY 1
        ) AS log USING (tenant_id)
        WHERE (summary.bets_placed, summary.turnover) IS DISTINCT FROM (log.bets, log.staked)
    """,
    "users' activity adds up": """
        SELECT count(*)
        FROM user_activity_view AS activity
        FULL JOIN (
            SELECT tenant_id, event_data ->> 'user_id' AS user_id,
                   count(*) AS bets, sum((event_data ->> 'stake')::numeric) AS staked
            FROM bet_events GROUP BY 1, 2
        ) AS log USING (tenant_id, user_id)
        WHERE (activity.bets, activity.staked) IS DISTINCT FROM (log.bets, log.staked)
    """,
}


class Acknowledged(Struct):
    """The bets that callers were told of; a run may end with one more in flight a connection."""

    bets: int = 0
    in_flight: int = 0


def check_answers(metrics: str, acknowledged: Acknowledged) -> None:
    """Check by the ledger's own metrics that it answered every bet with 201."""
    answers = {status: float(number) for status, number in _ANSWERS.findall(metrics)}
    if not answers:
        raise BenchmarkFailed("The ledger's metrics do not say how it answered POST /bets.")
    if set(answers) != {_CREATED} or answers[_CREATED] < acknowledged.bets:
        raise BenchmarkFailed(f"Not every bet was answered with 201: {answers}.")


async def check_database(url: str, acknowledged: Acknowledged) -> list[str]:
    """Check every rule; returns what held. Raises `BenchmarkFailed`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("ANALYZE")
        counts = dict(await connection.fetchrow(_COUNTS) or {})
        broken = {rule: await connection.fetchval(query) for rule, query in _RULES.items()}
        ends = (FIRST_TENANT, FIRST_TENANT + TENANTS - 1)
        hashes = {tenant: await chain.first_false_position(connection, tenant) for tenant in ends}
    finally:
        await connection.close()
    faults = [*_miscounted(counts, acknowledged), *_faults(broken, hashes)]
    if faults:
        raise BenchmarkFailed("After the load this does not hold: " + "; ".join(faults) + ".")
    return [_counted(counts, acknowledged), *_RULES, "hash chains recomputed"]


def _miscounted(counts: dict[str, int], acknowledged: Acknowledged) -> Iterator[str]:
    possible = range(acknowledged.bets, acknowledged.bets + acknowledged.in_flight + 1)
    if len(set(counts.values())) != 1 or counts["bet_events"] not in possible:
        yield f"{acknowledged.bets} bets acknowledged are as many rows: {counts}"


def _faults(broken: dict[str, int], hashes: dict[int, int | None]) -> Iterator[str]:
    for rule, number in broken.items():
        if number:
            yield f"{rule}: not in {number} rows"
    for tenant, position in hashes.items():
        if position is not None:
            yield f"hash chains recomputed: not tenant {tenant}'s from position {position}"


def _counted(counts: dict[str, int], acknowledged: Acknowledged) -> str:
    return f"{acknowledged.bets:,} bets acknowledged, {counts['bet_events']:,} recorded"
