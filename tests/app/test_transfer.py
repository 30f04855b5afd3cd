"""Export and import: a tenant is in another database what it was in the first."""

from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from app import exporting
from app.database import connect
from app.importing import ImportRefused
from tests.app.ledger import Connection, assert_sound, head
from tests.app.operators import TENANTS, operate
from tests.app.submissions import pay
from tests.app.transfers import bring_in, held, read, write
from tests.app.units import connected
from tests.conftest import INTERNAL_TENANT, StartService

FEW = {"at_once": 10, "most_rows": 4}


@pytest.fixture
async def history(database: str) -> None:
    """Some hundred events of three tenants."""
    await operate(database, 300, seed=11)


@pytest.fixture
async def other(other_database: str) -> AsyncGenerator[Connection, None]:
    """A connection to the other database."""
    connected_to = await asyncpg.connect(other_database)
    yield connected_to
    await connected_to.close()


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("limits", [{}, FEW], ids=["in memory", "in small steps"])
async def test_every_row_of_a_tenant_is_the_same_elsewhere(
    database: str,
    connection: Connection,
    other_database: str,
    other: Connection,
    tmp_path: Path,
    limits: dict[str, int],
) -> None:
    for tenant in TENANTS:
        file = tmp_path / f"{tenant}.avro"
        heading = await write(database, tenant, file)
        assert heading.to > 30
        await bring_in(other_database, file, **limits)
        assert await held(other, tenant) == await held(connection, tenant)
        await assert_sound(other, tenant)


async def test_snapshots_of_a_long_history_come_along(
    database: str, connection: Connection, other_database: str, other: Connection, tmp_path: Path
) -> None:
    deposits = 1_001  # of three events each, of which one moves the same balance
    async with connected(database) as process:
        for _ in range(7):
            await process.run(*(pay(INTERNAL_TENANT) for _ in range(deposits // 7)))
    await write(database, INTERNAL_TENANT, tmp_path / "file")
    await bring_in(other_database, tmp_path / "file", at_once=700)
    there = await held(connection, INTERNAL_TENANT)
    assert [row["position"] for row in there["snapshots"]] == [1_000, 2_000, 3_000, 3_000]
    assert await held(other, INTERNAL_TENANT) == there


@pytest.mark.usefixtures("history")
async def test_a_tenant_that_is_not_there_comes_with_its_own_row(
    database: str, connection: Connection, other_database: str, other: Connection, tmp_path: Path
) -> None:
    await other.execute("DELETE FROM tenants WHERE id = $1", INTERNAL_TENANT)
    await connection.execute(
        "UPDATE tenants SET status = 'suspended', plan = 'gold' WHERE id = $1", INTERNAL_TENANT
    )
    await write(database, INTERNAL_TENANT, tmp_path / "file")
    await bring_in(other_database, tmp_path / "file")
    there, here = await held(connection, INTERNAL_TENANT), await held(other, INTERNAL_TENANT)
    for rows in (there, here):
        del rows["tenant_heads"][0]["revision"]  # counts what happened in this database
    assert here == there
    assert here["tenants"][0]["status"] == "suspended"


async def test_a_tenant_without_events_moves_too(
    database: str, other_database: str, other: Connection, tmp_path: Path
) -> None:
    heading = await write(database, INTERNAL_TENANT, tmp_path / "file")
    assert (heading.after, heading.to) == (0, 0)
    await bring_in(other_database, tmp_path / "file")
    assert (await head(other, INTERNAL_TENANT))["position"] == 0


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("limits", [{}, FEW], ids=["in memory", "in small steps"])
async def test_what_came_after_an_export_can_follow(
    database: str,
    connection: Connection,
    other_database: str,
    other: Connection,
    tmp_path: Path,
    limits: dict[str, int],
) -> None:
    first = await write(database, INTERNAL_TENANT, tmp_path / "first")
    await operate(database, 300, seed=12)
    second = await write(database, INTERNAL_TENANT, tmp_path / "second", after=first.to)
    assert second.to > first.to
    with pytest.raises(ImportRefused, match=f"goes on from {first.to}"):
        await bring_in(other_database, tmp_path / "second")
    await bring_in(other_database, tmp_path / "first", **limits)
    await bring_in(other_database, tmp_path / "second", **limits)
    assert await held(other, INTERNAL_TENANT) == await held(connection, INTERNAL_TENANT)
    with pytest.raises(ImportRefused, match=f"is at position {second.to}"):
        await bring_in(other_database, tmp_path / "second")


async def test_a_running_service_goes_on_with_what_was_imported(
    start_service: StartService,
    database: str,
    other_database: str,
    other: Connection,
    tmp_path: Path,
) -> None:
    async with start_service() as client:
        internal = client.of(INTERNAL_TENANT)
        await internal.deposit("user-1", 100)
        placed = (await internal.place_bet(key="k")).json()
    await write(database, INTERNAL_TENANT, tmp_path / "file")
    async with start_service(other_database) as client:
        internal = client.of(INTERNAL_TENANT)
        assert (await internal.place_bet()).json()["error"] == "Insufficient funds"
        await bring_in(other_database, tmp_path / "file")
        settled = await internal.post(f"/bets/{placed['bet_id']}/settle", {"result": "win"})
        assert (settled.status_code, settled.json()["payout"]) == (200, 22.05)
        double = await internal.place_bet(key="k")
        assert (double.status_code, double.json()["duplicate"]) == (200, True)
    assert len(await assert_sound(other, INTERNAL_TENANT)) == 7


async def test_an_export_is_of_one_moment(database: str, tmp_path: Path) -> None:
    await operate(database, 300, seed=5)
    connection = await connect(database)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        heading = await exporting.heading(connection, INTERNAL_TENANT, 0)
        await operate(database, 300, seed=6)
        with (tmp_path / "file").open("wb") as file:
            await exporting.export(connection, heading, file, int)
    await connection.close()
    positions = [each.recorded.position for each in read(tmp_path / "file")]
    assert positions == list(range(1, heading.to + 1))


@pytest.mark.parametrize(
    ("tenant", "after", "said"),
    [(5, 0, "no tenant 5"), (INTERNAL_TENANT, 1, "no event after position 0")],
)
async def test_what_cannot_be_exported_is_said(
    database: str, tmp_path: Path, tenant: int, after: int, said: str
) -> None:
    with pytest.raises(exporting.NothingToExport, match=said):
        await write(database, tenant, tmp_path / "file", after)
