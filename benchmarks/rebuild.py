"""The `python -m benchmarks.rebuild` command: what a rebuild costs those who write meanwhile."""

import asyncio
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import click
import msgspec
from uuid_utils import uuid7

from app import fingerprint
from app.committer import Committer
from app.complaint import Complaint
from app.database import batch_connection, open_pool
from app.metrics import Metrics
from app.rebuild import NAMES, Hold, rebuild
from app.row_security import turn_to
from app.settings import Settings
from app.submission import Applied, Resource, Submission
from app.verification import verify
from benchmarks.failure import BenchmarkFailed
from benchmarks.fresh_database import fresh_database
from benchmarks.growth import grow
from domain.bet import CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.decision import Command
from domain.payment import MakePayment

WRITERS: Final = 16
OTHERS: Final = 4
PAUSE_SECONDS: Final = 0.2  # of a writer between two commands: the log must not outgrow the run
REBUILDS_OF_A_TENANT: Final = 20
USERS: Final = 200
BASELINE_SECONDS: Final = 15.0
DEPOSITS: Final = 0.2  # of all commands
BETS: Final = 0.4
GROWN_TENANT: Final = 900_000

_BUILD: Final = Path(__file__).parent.parent / "build"
_OPEN: Final = "INSERT INTO tenants (id, name, slug) VALUES ($1, $2, $2)"
_SPOIL: Final = (
    (
        "UPDATE bets_view SET fixture_id = 'x', stake = 7"
        " WHERE tenant_id = $1 AND md5(bet_id) LIKE $2 || '%'"
    ),
    (
        "UPDATE user_activity_view SET staked = 7, bets = 9"
        " WHERE tenant_id = $1 AND md5(user_id) LIKE $2 || '%'"
    ),
    "DELETE FROM user_activity_view WHERE tenant_id = $1 AND md5(user_id) LIKE $2 || '_0%'",
    "UPDATE tenants_summary_view SET turnover = 0 WHERE tenant_id = $1 AND $2 <> ''",
    (
        "UPDATE payments_view SET last_updated_at = now()"
        " WHERE tenant_id = $1 AND md5(user_id) LIKE $2 || '%'"
    ),
    "UPDATE user_balances_view SET transaction_count = 0 WHERE tenant_id = $1 AND $2 <> ''",
)


class Round(NamedTuple):
    """What the rebuilds of one tenant did."""

    rows: int
    different: int
    seconds: list[float]
    holds: list[Hold]


class Sent(NamedTuple):
    """When a command was sent, and for how long its sender waited."""

    since: float
    seconds: float


class Writers:
    """Users of one tenant who send commands one after the other, with a pause between them."""

    def __init__(self, tenant_id: int, committer: Committer, number: int) -> None:
        self.sent: Final[list[Sent]] = []
        self._tenant_id: Final = tenant_id
        self._committer: Final = committer
        self._random: Final = random.Random(tenant_id)
        self._bets: Final[list[str]] = []
        self._tasks: Final = [asyncio.create_task(self._write()) for _ in range(number)]

    async def stop(self) -> None:
        """Let every writer end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            submission = self._submission()
            since = time.monotonic()
            outcome = await self._committer.submit(submission)
            self.sent.append(Sent(since, time.monotonic() - since))
            if isinstance(outcome, Applied) and isinstance(submission.command, PlaceBet):
                self._bets.append(submission.resource_id)
            await asyncio.sleep(PAUSE_SECONDS * self._random.uniform(0.5, 1.5))

    def _submission(self) -> Submission:
        command, resource, resource_id = self._command()
        command_id = str(uuid7())
        return Submission(
            tenant_id=self._tenant_id,
            command=command,
            command_id=command_id,
            resource=resource,
            resource_id=resource_id or f"{resource}-{command_id}",
            idempotency_key=command_id,
            fingerprint=fingerprint.of_command(command),
        )

    def _command(self) -> tuple[Command, Resource, str | None]:
        drawn, user_id = self._random.random(), f"user-{self._random.randrange(USERS)}"
        if drawn < DEPOSITS:
            return MakePayment(user_id=user_id, amount=Decimal(100)), "payment", None
        if drawn < DEPOSITS + BETS or not self._bets:
            stake, odds = Decimal("5.5"), Decimal("2.1")
            place = PlaceBet(user_id=user_id, stake=stake, odds=odds, fixture_id="fixture-1")
            return place, "bet", None
        later: tuple[Command, ...] = (ConfirmBet(), CancelBet(), SettleBet(result="win"))
        return self._random.choice(later), "bet", self._random.choice(self._bets)


async def _measure(url: str, rebuilds: int) -> None:
    """Rebuild again and again in a process of its own while others write."""
    settings = Settings()
    async with await open_pool(url, settings) as pool:
        committer = Committer(pool, settings, Metrics(), lambda _: None)
        other = Writers(await _opened(url, 1), committer, OTHERS)
        rounds: list[Round] = []
        during: list[Sent] = []
        undisturbed = Writers(await _opened(url, 2), committer, WRITERS)
        await asyncio.sleep(BASELINE_SECONDS)
        await undisturbed.stop()
        alone, alone_other = undisturbed.sent, len(other.sent)
        for number in range(-(-rebuilds // REBUILDS_OF_A_TENANT)):
            tenant_id = await _opened(url, 100 + number)
            writers = Writers(tenant_id, committer, WRITERS)
            await asyncio.sleep(1.0)
            some = min(REBUILDS_OF_A_TENANT, rebuilds - number * REBUILDS_OF_A_TENANT)
            began = len(writers.sent)
            rounds.append(await asyncio.to_thread(_worker, url, tenant_id, some))
            during += writers.sent[began:]
            await writers.stop()
            _report(rounds, alone, during, other.sent[:alone_other], other.sent[alone_other:])
        await other.stop()
        await committer.close()


def _worker(url: str, tenant_id: int, rebuilds: int) -> Round:
    ended = subprocess.run(  # noqa: S603 -- this interpreter, this module
        [
            sys.executable,
            "-m",
            "benchmarks.rebuild",
            "--worker",
            url,
            str(tenant_id),
            str(rebuilds),
        ],
        check=True,
        stdout=subprocess.PIPE,  # what differs goes to the terminal
    )
    return msgspec.json.decode(ended.stdout, type=Round)


async def _rebuild(url: str, tenant_id: int, rebuilds: int) -> Round:
    """Spoil rows, rebuild, verify, over and over."""
    chance = random.Random(tenant_id)
    rows, different = 0, 0
    seconds: list[float] = []
    holds: list[Hold] = []
    async with batch_connection(url, "benchmark") as connection:
        await turn_to(connection, tenant_id)
        for _ in range(rebuilds):
            for statement in chance.sample(_SPOIL, 3):
                await connection.execute(statement, tenant_id, f"{chance.randrange(16):x}")
            since = time.monotonic()
            done = await rebuild(connection, tenant_id, NAMES, _ignore)
            seconds.append(time.monotonic() - since)
            rows += done.rows.total()
            holds += done.held
            verified = await verify(connection, tenant_id, _ignore)
            if verified.fault:
                different += 1
                print(verified.fault, file=sys.stderr)
    return Round(rows, different, seconds, holds)


def _ignore(_: int) -> None:
    pass


def _report(
    rounds: Sequence[Round],
    alone: Sequence[Sent],
    during: Sequence[Sent],
    other_alone: Sequence[Sent],
    other_during: Sequence[Sent],
) -> None:
    holds = sorted(itertools.chain.from_iterable(each.holds for each in rounds))
    seconds = list(itertools.chain.from_iterable(each.seconds for each in rounds))
    print(f"{len(seconds)} rebuilds, {sum(each.rows for each in rounds)} rows set")
    print(f"rebuilds after which something differed: {sum(each.different for each in rounds)}")
    print(f"a rebuild: {_spread(seconds)}")
    print(f"the head held, {len(holds)} times: {_spread([hold.seconds for hold in holds])}")
    print(f"commands without a rebuild: {_spread([each.seconds for each in alone])}")
    print(f"commands during rebuilds: {_spread([each.seconds for each in during])}")
    met = [each.seconds for each in during if _meets(each, holds)]
    print(f"commands that met a held head: {_spread(met)}")
    print(f"another tenant without a rebuild: {_spread([each.seconds for each in other_alone])}")
    print(f"another tenant during rebuilds: {_spread([each.seconds for each in other_during])}")
    print(flush=True)


def _meets(command: Sent, holds: Sequence[Hold]) -> bool:
    end = command.since + command.seconds
    return any(hold.since < end and command.since < hold.since + hold.seconds for hold in holds)


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    at = {share: ordered[int(share * (len(ordered) - 1))] * 1000 for share in (0.5, 0.99, 1.0)}
    return (
        f"p50 {at[0.5]:.1f} ms, p99 {at[0.99]:.1f} ms, longest {at[1.0]:.1f} ms (of {len(ordered)})"
    )


async def _opened(url: str, number: int) -> int:
    tenant_id = GROWN_TENANT + number
    connection = await asyncpg.connect(url)
    await connection.execute(_OPEN, tenant_id, f"rebuilt-{number}")
    await connection.close()
    return tenant_id


def _large(url: str, events: int) -> None:
    """Rebuild and verify a tenant with a long log, as an operator does."""
    grow(url, GROWN_TENANT, events)
    for command in (("projections", "rebuild"), ("verify",)):
        since = time.monotonic()
        given = [sys.executable, "-m", "app", *command, "--tenant", str(GROWN_TENANT)]
        subprocess.run(given, check=True, env={**os.environ, "DATABASE_URL": url})  # noqa: S603 -- this interpreter
        print(f"{' '.join(command)} of {events} events: {time.monotonic() - since:.1f} s")


@click.command()
@click.option("--rebuilds", type=click.IntRange(0), default=500, show_default=True)
@click.option("--events", type=click.IntRange(0), default=1_000_000, show_default=True)
@click.option("--worker", type=(str, int, int), hidden=True)
def command(rebuilds: int, events: int, worker: Any) -> None:
    """Rebuild a tenant's views while sixteen write, then those of a tenant with a long log."""
    if worker:
        print(msgspec.json.encode(asyncio.run(_rebuild(*worker))).decode())
        return
    _BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="rebuild-", dir=_BUILD))
    try:
        with fresh_database(directory) as url:
            if rebuilds:
                asyncio.run(_measure(url, rebuilds))
            if events:
                _large(url, events)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    try:
        command()
    except (BenchmarkFailed, Complaint) as error:
        sys.exit(f"benchmarks: {error}")
