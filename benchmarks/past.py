"""How long reads of the past take: `python -m benchmarks.past`, with snapshots and without."""

import asyncio
import random
import tempfile
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Final

import asyncpg

from app import past as past_module
from app.as_of import AsOf
from app.database import connect, open_pool
from app.memory import Memory
from app.past import Past
from app.reads import Reads
from app.settings import Settings
from benchmarks import seed
from benchmarks.fresh_database import fresh_database
from benchmarks.scenarios import MIXED
from domain.payment import MakePayment
from projections import bets, tenants_summary, user_balances
from projections.change import TENANT_KEY

DEPOSITS: Final = 50_000  # of one user, three events each
BETS: Final = 50_000  # of the same user, an event and one of his balance each
QUESTIONS: Final = 30
_BATCH: Final = 256
_TENANT: Final = MIXED.first
_USER: Final = "user-1"
_LAST_PAGE: Final = 2**63 - 1


async def measure(url: str) -> None:
    """Write the history, then ask."""
    async with await open_pool(url, Settings()) as pool:
        started = perf_counter()
        bet_ids = await _write(pool)
        reads, chance = Reads(pool, 5), random.Random(1)
        owner = await connect(url)
        last = await owner.fetchval(
            "SELECT position FROM tenant_heads WHERE tenant_id = $1", _TENANT
        )
        print(f"{last} events of one user, written in {perf_counter() - started:.0f} s")
        questions: dict[str, Callable[[Past], Awaitable[object]]] = {
            "bet": lambda past: past.row(bets.projection, chance.choice(bet_ids)),
            "balance": lambda past: past.row(user_balances.projection, _USER),
            "summary": lambda past: past.row(tenants_summary.projection, TENANT_KEY),
            "50 bets, now": lambda past: past.bets(_USER, None, before=_LAST_PAGE, limit=51),
        }
        for name, question in questions.items():
            nearest = last if "now" in name else 1
            positions = [chance.randint(nearest, last) for _ in range(QUESTIONS)]
            await _report(name, reads, positions, question)
        half = [last - BETS] * 5
        await _report(f"50 bets, {BETS // 2} changed since", reads, half, questions["50 bets, now"])
        past_module.MOST_FOLDED = last  # type: ignore[misc]  # pyright: ignore[reportConstantRedefinition]  # to see what it keeps from happening
        await owner.execute("DELETE FROM snapshots")
        await owner.close()
        for name in ("balance", "summary"):
            await _report(f"{name}, no snapshot, at the end", reads, [last], questions[name])


async def _write(pool: asyncpg.Pool) -> list[str]:
    deposits = [
        seed.submission(_TENANT, MakePayment(user_id=_USER, amount=Decimal(100)))
        for _ in range(DEPOSITS)
    ]
    placements = [seed.submission(_TENANT, seed.bet(_USER)) for _ in range(BETS)]
    memory = Memory(tenants=1, rows=10_000, users=10_000)
    submissions = [*deposits, *placements]
    async with pool.acquire() as connection:
        for at in range(0, len(submissions), _BATCH):
            await seed.commit(connection, memory, submissions[at : at + _BATCH])
            memory.trim()
    return [placed.resource_id for placed in placements]


async def _report(
    name: str,
    reads: Reads,
    positions: list[int],
    question: Callable[[Past], Awaitable[object]],
) -> None:
    seconds: list[float] = []
    for position in positions:
        started = perf_counter()
        async with reads.past(_TENANT, AsOf(position, is_time=False)) as past:
            await question(past)
        seconds.append(perf_counter() - started)
    seconds.sort()
    median, worst = seconds[len(seconds) // 2] * 1000, seconds[-1] * 1000
    print(f"{name:32} median {median:8.1f} ms, worst {worst:8.1f} ms")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as kept, fresh_database(Path(kept)) as database_url:
        asyncio.run(measure(database_url))
