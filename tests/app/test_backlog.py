"""The backlog of a process: how much it takes, how much a batch takes of it, and its end."""

import asyncio

from app.metrics import Metrics
from tests.app.answered import MOVED, NEW, submitted
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import held, observer, waiting
from tests.app.submissions import place
from tests.app.units import committing, confirm
from tests.conftest import EXTERNAL_TENANT


async def test_a_batch_is_never_larger_than_its_limit_however_it_is_filled(
    database: str, connection: Connection
) -> None:
    metrics = Metrics()
    async with (
        committing(database, metrics, batch_limit=16) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        async with held(connection), waiting(looking, committer.submit(place())):
            filling: list[asyncio.Task[list[tuple[int, bool] | str]]] = []
            for start in (0, 10, 20, 30):
                strangers = [place(user_id=f"user-{start + n}") for n in range(10)]
                filling.append(asyncio.create_task(submitted(committer, strangers)))
                await asyncio.sleep(0.02)
        assert await asyncio.gather(*filling) == [[NEW] * 10] * 4
    exposition = metrics.exposition().decode()
    assert _value(exposition, "stakebook_batch_size_sum") == 42
    batches = _value(exposition, "stakebook_batch_size_count")
    assert _value(exposition, 'stakebook_batch_size_bucket{le="16.0"}') == batches
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 42


def _value(exposition: str, name: str) -> float:
    return next(
        float(line.rpartition(" ")[2])
        for line in exposition.splitlines()
        if line.startswith(f"{name} ")
    )


async def test_decided_or_not_all_that_wait_count_towards_the_limit_of_the_queue(
    database: str, connection: Connection
) -> None:
    async with (
        committing(database, batch_limit=8, queue_limit=12) as committer,
        observer(database) as looking,
    ):
        await committer.submit(place())
        async with held(connection), waiting(looking, committer.submit(place())) as under_way:
            batch = [place() for _ in range(12)]
            taken = asyncio.ensure_future(submitted(committer, batch))
            await asyncio.sleep(0.05)
            refused = await submitted(committer, [place(), place()])
            assert not taken.done()
        _, answers = await asyncio.gather(under_way, taken)
    assert refused == ["overloaded"] * 2
    assert answers == [NEW] * 12
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 14


async def test_closing_waits_for_a_read_that_is_under_way(
    database: str, connection: Connection
) -> None:
    placed = place()
    async with committing(database) as before:
        await before.submit(placed)
    async with committing(database) as committer, observer(database) as looking:
        async with connection.transaction():
            await connection.execute("LOCK TABLE payments_view IN ACCESS EXCLUSIVE MODE")
            async with waiting(looking, submitted(committer, [confirm(placed)])) as answer:
                closing = asyncio.create_task(committer.close())
                await asyncio.sleep(0.05)
                assert not closing.done()
        await asyncio.wait_for(closing, 5)
        assert await answer == [MOVED]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2
