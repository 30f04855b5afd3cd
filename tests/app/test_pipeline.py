"""Commands that are decided while a batch is being committed, whatever becomes of that batch."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import pytest

from app.committer import Committer
from app.metrics import Metrics
from app.problems import Problem
from app.submission import Applied, Outcome
from domain.bet import Bet
from tests.app.answered import MOVED, NEW, REPEATED, submit, submitted
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, until_blocked, waiting
from tests.app.proxy import Proxy, proxy_to
from tests.app.submissions import pay, place
from tests.app.units import committing, confirm
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT

T = TypeVar("T")

MANY = 20  # enough to be decided at once, whatever is under way


@dataclass
class Scene:
    """A service behind a proxy, another process of it, and two who look on."""

    committer: Committer
    other: Committer
    proxy: Proxy
    metrics: Metrics
    looking: Connection


Mishap: TypeAlias = Callable[[Scene], Awaitable[object]]


@pytest.fixture
async def scene(database: str) -> AsyncGenerator[Scene, None]:
    metrics = Metrics()
    async with (
        proxy_to(database) as proxy,
        committing(proxy.url, metrics) as committer,
        committing(database) as other,
        observer(database) as looking,
    ):
        yield Scene(committer, other, proxy, metrics, looking)


async def nothing(scene: Scene) -> None:
    """All goes well."""


async def lock_outlasts(scene: Scene) -> None:
    """The head stays locked for longer than a commit waits."""
    await until_blocked(scene.looking, 0)


async def backends_end(scene: Scene) -> None:
    """The server ends the service's sessions, as in a failover."""
    await scene.looking.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'stakebook'"
    )
    await until_blocked(scene.looking)  # it is back and waits again


async def line_is_cut(scene: Scene) -> None:
    """The commit goes on without anyone to hear of it; those after it queue behind it."""
    scene.proxy.cut()
    await until_blocked(scene.looking, 2)


async def answer_is_lost(scene: Scene) -> None:
    """The batch becomes durable, and the service does not hear of it."""
    scene.proxy.swallow_next_answer = True


def begun(running: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
    """Start `running` beside the test."""
    return asyncio.create_task(running)


MISHAPS = [nothing, lock_outlasts, backends_end, line_is_cut, answer_is_lost]


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_what_was_decided_on_a_batch_under_way_is_answered_as_that_batch_ends(
    scene: Scene, connection: Connection, mishap: Mishap
) -> None:
    funds = [pay(INTERNAL_TENANT, f"user-{n}", "60") for n in range(MANY)]
    assert set(await submitted(scene.committer, funds)) == {NEW}
    first = place(INTERNAL_TENANT, "user-0", "60", key="k")
    below = [first, *(place(INTERNAL_TENANT, f"user-{n}", "30") for n in range(1, MANY))]
    again = place(INTERNAL_TENANT, "user-0", "60", key="k")
    differing = place(INTERNAL_TENANT, "user-0", "59", key="k")
    too_late = place(INTERNAL_TENANT, "user-0", "60")
    above = [
        *(again, differing, too_late, confirm(first)),
        *(place(INTERNAL_TENANT, f"user-{n}", "30") for n in range(1, MANY)),
    ]
    async with held(connection, INTERNAL_TENANT):
        under_way = asyncio.create_task(submitted(scene.committer, below))
        await until_blocked(scene.looking)
        on_top = asyncio.create_task(submitted(scene.committer, above))
        await asyncio.sleep(0.05)
        await mishap(scene)
        assert not under_way.done()
        assert not on_top.done()
    assert await under_way == [NEW] * MANY
    odd = [REPEATED, "key-reused", "insufficient-funds", MOVED]
    assert await on_top == [*odd, *[NEW] * (MANY - 1)]
    await assert_sound(connection, INTERNAL_TENANT)


async def test_what_was_decided_on_a_batch_that_loses_its_head_is_decided_again(
    scene: Scene, connection: Connection
) -> None:
    funds = [pay(INTERNAL_TENANT, f"user-{n}", "60") for n in range(MANY)]
    await submitted(scene.committer, funds)
    taken = place(INTERNAL_TENANT, "user-0", "60", key="k")
    below = [place(INTERNAL_TENANT, f"user-{n}", "60") for n in range(MANY)]
    repeats = [
        place(INTERNAL_TENANT, f"user-{n}", "60", key=s.idempotency_key)
        for n, s in enumerate(below)
    ]
    async with held(connection, INTERNAL_TENANT):
        rival = asyncio.create_task(scene.other.submit(taken))
        await until_blocked(scene.looking)
        under_way = asyncio.create_task(submitted(scene.committer, below))
        await until_blocked(scene.looking, 2)
        on_top = asyncio.create_task(submitted(scene.committer, repeats))
        await asyncio.sleep(0.05)
        assert not on_top.done()
    await rival
    assert await under_way == ["insufficient-funds", *[NEW] * (MANY - 1)]
    assert await on_top == ["insufficient-funds", *[REPEATED] * (MANY - 1)]
    assert b'stakebook_retries_total{reason="head moved"} 1.0' in scene.metrics.exposition()
    await assert_sound(connection, INTERNAL_TENANT)


async def test_a_repeat_of_a_key_that_a_batch_under_way_cannot_have_is_what_has_the_key(
    scene: Scene, connection: Connection
) -> None:
    await scene.other.submit(place(key="k", stake="99"))
    known = [place(user_id=f"user-{n}") for n in range(MANY)]
    await submitted(scene.committer, known)  # from now on it knows the head, not the key
    async with held(connection):
        below = [place(key="k"), *(place(user_id=f"user-{n}") for n in range(MANY))]
        under_way = asyncio.create_task(submitted(scene.committer, below))
        await until_blocked(scene.looking)
        above = [place(key="k"), place(key="k", stake="99"), *(place() for _ in range(MANY))]
        on_top = asyncio.create_task(submitted(scene.committer, above))
        await asyncio.sleep(0.05)
    assert await under_way == ["key-reused", *[NEW] * MANY]
    assert await on_top == ["key-reused", REPEATED, *[NEW] * MANY]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 1 + 3 * MANY


async def test_what_rests_on_a_command_that_the_database_refuses_falls_with_it(
    scene: Scene, connection: Connection
) -> None:
    await connection.execute("ALTER TABLE bets_view ADD CHECK (stake <> 13)")
    await submitted(scene.committer, [place() for _ in range(MANY)])
    unlucky = place(stake="13", key="k")
    async with held(connection):
        below = [unlucky, *(place() for _ in range(MANY))]
        under_way = asyncio.create_task(submitted(scene.committer, below))
        await until_blocked(scene.looking)
        above = [place(stake="13", key="k"), confirm(unlucky), *(place() for _ in range(MANY))]
        on_top = asyncio.create_task(submitted(scene.committer, above))
        await asyncio.sleep(0.05)
        assert not on_top.done()
    assert await under_way == ["command-rejected", *[NEW] * MANY]
    assert await on_top == ["command-rejected", "bet-not-found", *[NEW] * MANY]
    await assert_sound(connection, EXTERNAL_TENANT)


async def test_what_has_to_be_read_is_read_while_a_commit_is_under_way(
    scene: Scene, connection: Connection
) -> None:
    strangers = [[place(user_id=f"user-{MANY * k + n}") for n in range(MANY)] for k in range(4)]
    for batch in strangers[:2]:
        await submitted(scene.committer, batch)
    async with held(connection):
        under_way = asyncio.create_task(submitted(scene.committer, [place(user_id="user-0")]))
        await until_blocked(scene.looking)
        before = scene.proxy.round_trips
        on_top = asyncio.create_task(submitted(scene.committer, strangers[2]))
        await asyncio.sleep(0.1)
        assert scene.proxy.round_trips == before + 1
        assert not on_top.done()
    assert await under_way == [NEW]
    assert await on_top == [NEW] * MANY
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 3 * MANY + 1


async def test_what_is_read_during_a_commit_does_not_undo_what_the_commit_changes(
    database: str, connection: Connection
) -> None:
    """However little is remembered: the rows of the batch under way are not read below it."""
    async with (
        committing(database, cached_rows=4, cached_users=4) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        below = [place(user_id=f"user-{n}") for n in range(MANY)]
        async with held(connection), waiting(looking, submitted(committer, below)) as under_way:
            on_top = begun(submitted(committer, [place(user_id="user-0") for _ in range(MANY)]))
            await asyncio.sleep(0.1)
            assert not on_top.done()
        answers = await asyncio.gather(under_way, on_top)
    assert list(answers) == [[NEW] * MANY] * 2
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2 * MANY + 1


async def test_a_repeat_of_what_is_under_way_is_answered_with_its_bet_however_little_is_kept(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, cached_rows=4, cached_users=4) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        below = [place(user_id=f"user-{n}") for n in range(MANY)]
        repeats = [place(user_id=f"user-{n}", key=s.idempotency_key) for n, s in enumerate(below)]
        async with held(connection), waiting(looking, submit(committer, below)) as under_way:
            on_top = asyncio.create_task(submit(committer, repeats))
            await asyncio.sleep(0.1)
        first, second = await under_way, await on_top
    assert [_bet_id(outcome) for outcome in second] == [_bet_id(outcome) for outcome in first]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == MANY + 1


def _bet_id(outcome: Outcome | Problem) -> str:
    assert isinstance(outcome, Applied)
    assert isinstance(outcome.row, Bet)
    return outcome.row.bet_id
