"""The check of the database after the load, without which a measurement counts for nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import asyncpg

from benchmarks import chain, oracle
from benchmarks.failure import BenchmarkFailed
from benchmarks.rules import RULES
from benchmarks.scenarios import MADE_BY_HAND, Tenants
from benchmarks.tally import Tally

_ANSWERS: Final = re.compile(
    r'^stakebook_request_seconds_count{method="(\w+)",route="([^"]*)",status="(\d+)"} (\S+)$',
    re.MULTILINE,
)
_CREATED: Final = "201"
_EXPECTED: Final = frozenset({"200", "201", "409", "422"})
_READINESS: Final = "/readyz"  # asked before it is reached

_RECORDED: Final = """
    SELECT count(*) FILTER (WHERE stream = 'bet' AND version = 1) AS bets,
           count(*) FILTER (WHERE stream = 'bet' AND version > 1) AS moves,
           count(*) FILTER (WHERE stream = 'payment' AND version = 1) AS payments
    FROM logged_events WHERE tenant_id BETWEEN $1 AND $2
"""


def check_answers(metrics: Iterable[str], placed: int) -> None:
    """Check by the ledger's own metrics how it answered, in all processes together."""
    answers: Counter[tuple[str, str, str]] = Counter()
    for text in metrics:
        for method, route, status, number in _ANSWERS.findall(text):
            answers[method, route, status] += int(float(number))
    created = answers["POST", "/bets", _CREATED]
    unexpected = {
        answer: number
        for answer, number in answers.items()
        if answer[1] != _READINESS and answer[2] not in _EXPECTED
    }
    if unexpected or created < placed:
        raise BenchmarkFailed(
            f"{placed} bets were acknowledged, but by its metrics the ledger placed"
            f" {created}, and gave these answers that it should not: {unexpected}."
        )


async def check_database(
    url: str, acknowledged: Mapping[Tenants, Tally], carried_out: Tally
) -> list[str]:
    """Check every rule; returns what held. Raises `BenchmarkFailed`.

    `acknowledged` are the commands that callers were told of, which may have ended with some
    in flight; `carried_out` those that the ledger says it carried out, exactly.
    """
    connection = await asyncpg.connect(url)
    try:
        for table in oracle.TABLES:
            await connection.execute(table)
        broken = {rule: await connection.fetchval(query) for rule, query in RULES.items()}
        recorded = {tenants: await _recorded(connection, tenants) for tenants in acknowledged}
        false = await chain.first_false_positions(connection)
    finally:
        await connection.close()
    faults = [*_miscounted(recorded, acknowledged, carried_out), *_faults(broken, false)]
    if faults:
        raise BenchmarkFailed("After the load this does not hold: " + "; ".join(faults) + ".")
    return [*_counted(recorded, acknowledged), *RULES, "hash chains recomputed"]


async def _recorded(connection: "asyncpg.Connection[Any]", tenants: Tenants) -> Tally:
    counts = await connection.fetchrow(_RECORDED, tenants.first, tenants.last)
    return Tally(**dict(counts or {}))


def _miscounted(
    recorded: Mapping[Tenants, Tally], acknowledged: Mapping[Tenants, Tally], carried_out: Tally
) -> Iterator[str]:
    """Every command that a caller was told of is recorded, and none that nobody sent."""
    of_ledger = Tally()
    for tenants, found in recorded.items():
        told = acknowledged[tenants]
        more = (found.bets - told.bets, found.moves - told.moves, found.payments - told.payments)
        if min(more) < 0 or sum(more) > told.in_flight:
            yield f"tenants {tenants.first} to {tenants.last}: {told} is recorded as {found}"
        if tenants != MADE_BY_HAND:
            of_ledger.add(found)
    if of_ledger != carried_out:
        yield f"the ledger carried out {carried_out}, which is recorded as {of_ledger}"


def _faults(broken: Mapping[str, int], false: Mapping[int, int]) -> Iterator[str]:
    for rule, number in broken.items():
        if number:
            yield f"{rule}: not in {number} rows"
    for tenant, position in false.items():
        yield f"hash chains recomputed: not tenant {tenant}'s from position {position}"


def _counted(
    recorded: Mapping[Tenants, Tally], acknowledged: Mapping[Tenants, Tally]
) -> Iterator[str]:
    for name in ("bets", "moves", "payments"):
        told = sum(getattr(counts, name) for counts in acknowledged.values())
        found = sum(getattr(counts, name) for counts in recorded.values())
        yield f"{told:,} {name} acknowledged, {found:,} recorded"
