"""Commands and tenants side by side: what one of them runs into is not the other's trouble."""

import asyncio
from decimal import Decimal

import pytest

from app.answers import encode
from app.committer import Committer
from app.metrics import Metrics
from app.problems import Problem
from app.submission import Applied, Refused, Submission
from domain.bet import SettleBet
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, until, until_blocked
from tests.app.submissions import pay, place, submission
from tests.app.units import committing, confirm, connected, refusal
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT, StartService


async def problem_of(committer: Committer, refused: Submission) -> str:
    """The kind of problem that submitting ends in."""
    with pytest.raises(Problem) as raised:
        await committer.submit(refused)
    return str(raised.value.document["type"]).removeprefix("/problems/")


async def test_a_tenant_whose_head_is_held_does_not_stop_the_others(
    database: str, connection: Connection
) -> None:
    async with committing(database, command_timeout_seconds=2) as committer:
        await committer.submit(place())
        async with held(connection):
            stuck = asyncio.create_task(problem_of(committer, place()))
            await asyncio.sleep(0)
            outcome = await committer.submit(place(DEFAULT_TENANT))
            assert isinstance(outcome, Applied)
            assert not stuck.done()
            assert await stuck == "unavailable"
        assert isinstance(await committer.submit(place()), Applied)
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == 1


async def test_a_command_of_a_tenant_whose_head_is_held_has_its_turn_once_it_is_free(
    database: str, connection: Connection
) -> None:
    metrics = Metrics()

    async def went_round() -> bool:
        return b'reason="head locked"' in metrics.exposition()

    async with committing(database, metrics) as committer:
        await committer.submit(place())
        async with held(connection):
            waiting = asyncio.create_task(committer.submit(place()))
            await until(went_round)
        assert isinstance(await waiting, Applied)
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def test_a_command_on_a_row_that_cannot_be_read_fails_alone(
    database: str, connection: Connection
) -> None:
    broken, whole = place(), place()
    async with connected(database) as process:
        await process.run(broken, whole)
    await connection.execute(
        "UPDATE bets_view SET status = 'unheard of' WHERE bet_id = $1", broken.resource_id
    )
    async with committing(database) as committer:
        found = asyncio.gather(
            problem_of(committer, confirm(broken)),
            committer.submit(confirm(whole)),
            committer.submit(place()),
        )
        kind, confirmed, placed = await found
    assert kind == "internal"
    assert isinstance(confirmed, Applied)
    assert isinstance(placed, Applied)


async def test_commands_do_not_wait_behind_reads(
    start_service: StartService, database: str, connection: Connection
) -> None:
    async with start_service(pool_size=2) as client, observer(database) as looking:
        await client.place_bet()
        async with connection.transaction():
            await connection.execute("LOCK TABLE payment_events IN ACCESS EXCLUSIVE MODE")
            reads = [asyncio.create_task(client.get("/payments/p/events")) for _ in range(10)]
            await until_blocked(looking, 2)
            assert (await client.place_bet()).status_code == 201
            assert not all(read.done() for read in reads)
        await asyncio.gather(*reads)


async def test_a_status_changed_while_a_head_is_opened_is_seen(
    database: str, connection: Connection
) -> None:
    async with committing(database) as committer:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "UPDATE tenants SET status = 'suspended' WHERE id = $1", EXTERNAL_TENANT
        )
        waiting = asyncio.create_task(committer.submit(place()))
        async with observer(database) as looking:
            await until_blocked(looking)
        await transaction.commit()
        assert refusal(await waiting) == "tenant-suspended"
        assert refusal(await committer.submit(place())) == "tenant-suspended"


async def test_a_head_of_the_same_position_but_another_history_is_not_taken_for_the_old_one(
    database: str, connection: Connection
) -> None:
    async with connected(database) as process, connected(database) as other:
        await process.run(place(key="lost"))
        await _lose_everything(connection)
        await other.run(place(stake="99"))
        assert await process.run(place(stake="5")) == {}
        assert list(await process.run(place(stake="5"))) == [0]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


async def _lose_everything(connection: Connection) -> None:
    """Take the tenant back to its beginning, as restoring an old backup does."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        for table in (
            "bet_events",
            "bets_view",
            "tenants_summary_view",
            "user_activity_view",
            "idempotency_keys",
        ):
            await connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names from above
        await connection.execute(
            "UPDATE tenant_heads SET position = 0, hash = '', last_timestamp = 0"
        )


async def test_a_refusal_is_the_same_to_the_last_digit_when_it_comes_from_the_database(
    database: str,
) -> None:
    declined = place(INTERNAL_TENANT, "rich", "9999999999999999.9999", key="k")
    again = place(INTERNAL_TENANT, "rich", "9999999999999999.9999", key="k")
    async with connected(database) as process, connected(database) as other:
        await process.run(pay(INTERNAL_TENANT, "rich", "1234567890123456.7891"))
        first = (await process.run(declined))[0]
        second = (await other.run(again, afresh=True))[0]
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert second.duplicate
    assert b'"available":1234567890123456.7891' in encode(first.problem)
    assert _members(first.problem) == _members(second.problem)


def _members(problem: dict[str, object]) -> dict[str, bytes]:
    return {name: encode(value) for name, value in problem.items()}


async def test_a_loss_that_says_that_it_pays_nothing_is_the_same_request_as_one_that_does_not(
    database: str,
) -> None:
    placed = place()
    losses = [SettleBet(result="loss"), SettleBet(result="loss", payout=Decimal("0.00"))]
    async with committing(database) as committer:
        await committer.submit(placed)
        answers = [
            await committer.submit(submission(loss, "bet", placed.resource_id, key="k"))
            for loss in losses
        ]
    assert [isinstance(answer, Applied) and answer.duplicate for answer in answers] == [False, True]


async def test_a_pruned_key_of_a_bet_is_known_to_the_bets_of_a_process_that_starts_anew_only(
    database: str, connection: Connection
) -> None:
    placed = place(key="k")
    async with connected(database) as process:
        await process.run(placed)
    await connection.execute("DELETE FROM idempotency_keys")
    async with connected(database) as process:
        repeated = (await process.run(place(key="k")))[0]
        assert isinstance(repeated, Applied)
        assert repeated.duplicate
    async with connected(database) as process:
        confirmed = (await process.run(confirm(placed, key="k")))[0]
        assert isinstance(confirmed, Applied)
        assert not confirmed.duplicate
