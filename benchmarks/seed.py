"""What is in the ledger before the load: bets to read, and users with funds to bet with."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

import asyncpg
from msgspec import Struct
from uuid_utils import uuid7

from app import fingerprint, unit_of_work
from app.database import open_pool
from app.memory import Memory
from app.settings import Settings
from app.submission import Applied, Resource, Submission
from benchmarks.failure import BenchmarkFailed
from benchmarks.scenarios import MIXED, READ, USERS
from domain.bet import PlaceBet
from domain.payment import MakePayment

if TYPE_CHECKING:
    from app.unit_of_work import Connection

READ_USERS: Final = 100
BETS_OF_EACH: Final = 60  # more than a page, so that a list also has a cursor
PAGE: Final = 50
DRAWS: Final = 20_000
ZIPF_EXPONENT: Final = 1.1
FUNDS: Final = Decimal(1_000_000)
_SEED: Final = 1  # the same users in every run of the benchmark
_BATCH: Final = 1000
_CONNECTIONS: Final = 2  # while one waits for the database the other has the processor


class Seed(Struct, frozen=True, kw_only=True):
    """The files for the load generator, and how many commands made what they name."""

    bets: Path
    lists: Path
    draws: Path
    placed: int
    paid: int


def plant(url: str, directory: Path) -> Seed:
    """Place the bets to read and fund the users who bet; the files go into `directory`."""
    draws = _draws()
    users = [f"user-{number}" for number in range(1, READ_USERS + 1)]
    placements = [submission(READ.first, bet(user)) for user in users * BETS_OF_EACH]
    deposits = [
        submission(tenant, MakePayment(user_id=user, amount=FUNDS))
        for tenant, user in sorted(set(draws))
    ]
    asyncio.run(_commit(url, [*placements, *deposits]))
    return Seed(
        bets=_written(directory / "bets", (f"/bets/{placed.resource_id}" for placed in placements)),
        lists=_written(directory / "lists", (f"/users/{user}/bets?limit={PAGE}" for user in users)),
        draws=_written(directory / "draws", (f"{tenant} {user}" for tenant, user in draws)),
        placed=len(placements),
        paid=len(deposits),
    )


def _draws() -> list[tuple[int, str]]:
    """Whose requests come in turn: tenants evenly, their users by Zipf's law.

    Fewer are drawn than there are, so that only those who bet have to be funded.
    """
    chance = random.Random(_SEED)
    weights = list(accumulate(1 / rank**ZIPF_EXPONENT for rank in range(1, USERS + 1)))
    users = chance.choices(range(1, USERS + 1), cum_weights=weights, k=DRAWS)
    return [(chance.randint(MIXED.first, MIXED.last), f"user-{user}") for user in users]


def bet(user_id: str) -> PlaceBet:
    """A bet like those under load."""
    return PlaceBet(
        user_id=user_id, stake=Decimal("50.5"), odds=Decimal("5.5"), fixture_id="fixture-250"
    )


def submission(tenant_id: int, command: PlaceBet | MakePayment) -> Submission:
    """A command as the service hands it to its committer."""
    command_id = str(uuid7())
    resource: Resource = "bet" if isinstance(command, PlaceBet) else "payment"
    return Submission(
        tenant_id=tenant_id,
        command=command,
        command_id=command_id,
        resource=resource,
        resource_id=f"{resource}-{command_id}",
        idempotency_key=f"seed-{command_id}",
        fingerprint=fingerprint.of_command(command),
    )


async def _commit(url: str, submissions: Sequence[Submission]) -> None:
    batches = [submissions[at : at + _BATCH] for at in range(0, len(submissions), _BATCH)]
    waiting = iter(batches)
    async with await open_pool(url, Settings(), _CONNECTIONS) as pool:
        await asyncio.gather(*(_take(pool, waiting) for _ in range(_CONNECTIONS)))


async def _take(pool: asyncpg.Pool, waiting: Iterable[Sequence[Submission]]) -> None:
    memory = Memory(tenants=1, rows=_BATCH, users=_BATCH)
    async with pool.acquire() as connection:
        for batch in waiting:
            await commit(connection, memory, batch)


async def commit(connection: "Connection", memory: Memory, batch: Sequence[Submission]) -> None:
    """Commit a batch, again for tenants whose head the other connection moved meanwhile."""
    left = list(batch)
    while left:
        outcomes = await unit_of_work.run(connection, memory, left)
        if not all(isinstance(outcome, Applied) for outcome in outcomes.values()):
            raise BenchmarkFailed("The ledger refuses what the benchmark begins with.")
        left = [command for index, command in enumerate(left) if index not in outcomes]


def _written(file: Path, lines: Iterable[str]) -> Path:
    file.write_text("".join(f"{line}\n" for line in lines))
    return file
