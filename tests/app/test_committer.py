"""The committer: everyone gets the answer of what became durable, whatever happens on the way."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from time import monotonic

import pytest

from app.committer import Committer
from app.metrics import Metrics
from app.submission import Refused
from tests.app.answered import NEW, REPEATED, brief, submit
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, until_blocked, waiting
from tests.app.proxy import proxy_to
from tests.app.submissions import pay, place
from tests.app.units import committing
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT


@pytest.fixture
async def committer(database: str) -> AsyncGenerator[Committer, None]:
    async with committing(database) as made:
        yield made


async def terminate(connection: Connection) -> None:
    """End the service's backends, as a failover does."""
    ended = await connection.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'stakebook'"
    )
    assert ended


async def test_a_command_is_answered_once_it_is_in_the_log(
    committer: Committer, connection: Connection
) -> None:
    assert brief(await committer.submit(place())) == NEW
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 1


async def test_a_head_moved_by_another_process_is_no_matter_to_the_caller(
    database: str, committer: Committer, connection: Connection
) -> None:
    await committer.submit(place())
    async with committing(database) as other:
        await other.submit(place())
    outcome = await committer.submit(place())
    assert brief(outcome) == NEW
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 3


async def test_two_processes_on_one_tenant_get_all_their_commands_in(
    database: str, committer: Committer, connection: Connection
) -> None:
    async with committing(database, batch_limit=4) as other:
        answers = await asyncio.gather(
            submit(committer, [place(user_id=f"user-{n}") for n in range(100)]),
            submit(other, [place(user_id=f"user-{n}") for n in range(100)]),
        )
    assert [brief(outcome) for found in answers for outcome in found] == [NEW] * 200
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 200


async def test_a_key_committed_by_another_process_between_decision_and_commit_is_a_duplicate(
    database: str, committer: Committer, connection: Connection
) -> None:
    await committer.submit(place())
    async with committing(database) as other, observer(database) as looking:
        async with held(connection):
            first = asyncio.create_task(committer.submit(place(key="k")))
            second = asyncio.create_task(other.submit(place(key="k")))
            await until_blocked(looking, 2)
        answers = [brief(await first), brief(await second)]
    assert sorted(answers, key=str) == [REPEATED, NEW]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def test_a_key_that_the_process_never_heard_of_is_a_duplicate(
    database: str, committer: Committer, connection: Connection
) -> None:
    async with committing(database) as other:
        await other.submit(place(key="k"))
    await committer.submit(place())  # it knows the head from now on, not the key
    neighbours = [place(user_id=f"user-{n}") for n in range(5)]
    found = await submit(committer, [place(key="k"), place(key="k", stake="99"), *neighbours])
    assert [brief(outcome) for outcome in found] == [REPEATED, "key-reused", *[NEW] * 5]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 7


async def test_a_connection_lost_while_idle_is_made_anew(
    committer: Committer, connection: Connection
) -> None:
    await committer.submit(place())
    await terminate(connection)
    assert brief(await committer.submit(place())) == NEW
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def test_a_backend_ended_during_the_commit_has_its_batch_run_again(
    database: str, committer: Committer, connection: Connection
) -> None:
    await committer.submit(place())
    async with observer(database) as looking, held(connection):
        batch = submit(committer, [place(user_id=f"user-{n}") for n in range(20)])
        async with waiting(looking, batch) as answers:
            await terminate(looking)
            await until_blocked(looking)  # it is back and waits again
            assert not answers.done()
    assert [brief(outcome) for outcome in await answers] == [NEW] * 20
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 21


@pytest.mark.parametrize("commands", [1, 20])
async def test_a_commit_whose_answer_was_lost_is_answered_as_new_and_not_done_twice(
    database: str, connection: Connection, commands: int
) -> None:
    async with proxy_to(database) as proxy, committing(proxy.url) as committer:
        for _ in range(2):  # the statement for a user that is known is prepared by the second
            await committer.submit(place())
        proxy.swallow_next_answer = True
        batch = [place() for _ in range(commands)]
        answers = await submit(committer, batch)
    assert b"SELECT 1" in proxy.swallowed  # the tenant had committed
    assert [brief(outcome) for outcome in answers] == [NEW] * commands
    log = await assert_sound(connection, EXTERNAL_TENANT)
    assert [row["idempotency_key"] for row in log[2:]] == [s.idempotency_key for s in batch]


async def test_a_refusal_whose_answer_was_lost_is_the_same_refusal(
    database: str, connection: Connection
) -> None:
    async with proxy_to(database) as proxy, committing(proxy.url) as committer:
        await submit(committer, [place(INTERNAL_TENANT), pay(INTERNAL_TENANT, "user-2")])
        await submit(committer, [place(INTERNAL_TENANT)])
        proxy.swallow_next_answer = True
        (answer,) = await submit(committer, [place(INTERNAL_TENANT)])
    assert proxy.swallowed
    assert isinstance(answer, Refused)
    assert (brief(answer), answer.duplicate) == ("insufficient-funds", False)
    assert len(await assert_sound(connection, INTERNAL_TENANT)) == 3


@pytest.mark.parametrize(
    "rule",
    [
        "ALTER TABLE bets_view ADD CHECK (stake <> 13)",
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.stake = 13 THEN RAISE EXCEPTION 'unlucky'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON bets_view FOR EACH ROW EXECUTE FUNCTION refuse()
        """,
        """
        CREATE UNIQUE INDEX ON bets_view (stake) WHERE stake = 13;
        INSERT INTO bets_view
        VALUES (1, 'b', 'u', 13, 2, 'f', 'placed', NULL, NULL, 1, now(), 1);
        """,
        "ALTER TABLE bet_events ADD CHECK ((event_data->>'stake')::numeric <> 13)",
    ],
    ids=["check", "trigger", "unique", "event"],
)
async def test_a_command_that_the_database_refuses_fails_alone(
    database: str, connection: Connection, rule: str
) -> None:
    await connection.execute(rule)
    metrics = Metrics()
    batch = [place([EXTERNAL_TENANT, DEFAULT_TENANT][n % 2], f"user-{n}") for n in range(20)]
    batch.insert(7, place(stake="13", key="unlucky"))
    async with committing(database, metrics) as committer:
        answers = [brief(outcome) for outcome in await submit(committer, batch)]
    assert b"stakebook_batch_size_count 1.0" in metrics.exposition()
    assert answers.pop(7) == "command-rejected"
    assert answers == [NEW] * 20
    log = await assert_sound(connection, EXTERNAL_TENANT)
    assert len(log) + len(await assert_sound(connection, DEFAULT_TENANT)) == 20
    assert "unlucky" not in {row["idempotency_key"] for row in log}


async def test_a_full_queue_takes_no_more_and_those_in_it_are_answered(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, queue_limit=2) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        async with held(connection):
            first = committer.submit(place())
            async with waiting(looking, first) as running:
                queued = [asyncio.create_task(committer.submit(place())) for _ in range(2)]
                await asyncio.sleep(0)
                late = await submit(committer, [place(), place()])
        assert [brief(outcome) for outcome in late] == ["overloaded"] * 2
        assert [brief(outcome) for outcome in await asyncio.gather(running, *queued)] == [NEW] * 3
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 4


async def test_closing_commits_what_is_queued_and_takes_no_more(
    database: str, connection: Connection
) -> None:
    async with committing(database, batch_limit=7) as committer, observer(database) as looking:
        await committer.submit(place())
        async with held(connection):
            batch = submit(committer, [place(user_id=f"user-{n}") for n in range(50)])
            async with waiting(looking, batch) as running:
                closing = asyncio.create_task(committer.close())
                await asyncio.sleep(0)
                (late,) = await submit(committer, [place()])
                assert not closing.done()
        await closing
        assert [brief(outcome) for outcome in await running] == [NEW] * 50
    assert brief(late) == "overloaded"
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 51


async def test_closing_ends_though_the_time_of_what_is_queued_has_passed(database: str) -> None:
    async with proxy_to(database) as proxy:
        gone = proxy.url
    async with committing(gone, command_timeout_seconds=0.2) as committer:
        first = asyncio.create_task(submit(committer, [place()]))
        await asyncio.sleep(0.01)  # it is being run again and again by now
        second = asyncio.create_task(submit(committer, [place()]))
        await asyncio.sleep(0.01)
        async with asyncio.timeout(5):
            await committer.close()
        answers = [*await first, *await second]
    assert [brief(outcome) for outcome in answers] == ["unavailable"] * 2


async def test_a_caller_who_goes_away_holds_up_nobody(
    database: str, committer: Committer, connection: Connection
) -> None:
    await committer.submit(place())
    async with observer(database) as looking, held(connection):
        gone = committer.submit(place(key="gone"))
        async with waiting(looking, gone) as running:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            staying = asyncio.create_task(committer.submit(place()))
    assert brief(await staying) == NEW
    assert brief(await committer.submit(place(key="gone"))) == REPEATED
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 3


async def test_a_database_that_cannot_be_reached_is_said_to_be_unavailable_in_time(
    database: str,
) -> None:
    async with proxy_to(database) as proxy:
        gone = proxy.url
    async with committing(gone, command_timeout_seconds=1) as committer:
        started = monotonic()
        answers = await submit(committer, [place() for _ in range(10)])
        assert monotonic() - started < 1.5
    assert [brief(outcome) for outcome in answers] == ["unavailable"] * 10


async def test_a_lock_held_longer_than_a_statement_may_take_is_waited_for(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, statement_timeout_seconds=0.1) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        async with held(connection), waiting(looking, committer.submit(place())) as answer:
            await until_blocked(looking, 0)
        assert brief(await answer) == NEW
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def test_a_refusal_sticks_to_its_key(committer: Committer, connection: Connection) -> None:
    refused = await committer.submit(place(INTERNAL_TENANT, key="k"))
    assert brief(refused) == "insufficient-funds"
    assert brief(await committer.submit(pay(INTERNAL_TENANT))) == NEW
    again = await committer.submit(place(INTERNAL_TENANT, key="k"))
    assert isinstance(refused, Refused)
    assert isinstance(again, Refused)
    assert (again.problem, again.duplicate) == (refused.problem, True)
    assert brief(await committer.submit(place(INTERNAL_TENANT))) == NEW
    assert len(await assert_sound(connection, INTERNAL_TENANT)) == 5
