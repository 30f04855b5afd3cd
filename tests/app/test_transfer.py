"""Export and import: a tenant is in another database what it was in the first."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import fastavro
import pytest
from msgspec.structs import replace

from app import avro_events, exporting
from app.chain import seal
from app.database import connect
from app.event_log import Logged
from app.export_file import Unreadable
from app.fault import FaultFound
from app.importing import ImportRefused
from domain.bet import BetCancelled, BetSettled
from tests import corpus
from tests.app.ledger import Connection, assert_sound, head
from tests.app.operators import TENANTS, Operators, settle
from tests.app.submissions import pay
from tests.app.transfers import Edit, bring_in, held, make, read, write
from tests.app.units import Process, connected
from tests.conftest import DEFAULT_TENANT, INTERNAL_TENANT, StartService

CUT = 20
avro: Any = fastavro  # its types are partly unknown
LOG = corpus.events()
FEW = {"at_once": 10, "most_rows": 4}


@pytest.fixture
async def history(database: str) -> None:
    """Some hundred events of three tenants."""
    async with connected(database) as process:
        await operate(process, Operators(11))


@pytest.fixture
async def other(other_database: str) -> AsyncGenerator[Connection, None]:
    """A connection to the other database."""
    connected_to = await asyncpg.connect(other_database)
    yield connected_to
    await connected_to.close()


async def operate(process: Process, operators: Operators) -> None:
    """Let the tenants' users do something."""
    for _ in range(15):
        await settle(process, [operators.command() for _ in range(20)])


async def nothing_of(connection: Connection, tenant: int) -> bool:
    """Whether no table but that of the tenants holds anything of the tenant."""
    rows = await held(connection, tenant)
    return not any(found for name, found in rows.items() if name != "tenants")


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
    async with connected(database) as process:
        await operate(process, Operators(12))
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
    operators = Operators(5)
    async with connected(database) as process:
        await operate(process, operators)
        connection = await connect(database)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heading = await exporting.heading(connection, INTERNAL_TENANT, 0)
            await operate(process, operators)
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


def altered(log: list[Logged], index: int, **fields: Any) -> list[Logged]:
    """The log with one event changed, and nothing else."""
    changed = replace(log[index].recorded, **fields)
    return [*log[:index], Logged(changed, log[index].hash), *log[index + 1 :]]


def resealed(log: list[Logged], index: int, **fields: Any) -> list[Logged]:
    """The log with one event changed, and every hash from there on computed anew."""
    changed = altered(log, index, **fields)
    for number in range(index, len(changed)):
        recorded = changed[number].recorded
        changed[number] = Logged(recorded, seal(recorded, changed[number - 1].hash).hash)
    return changed


def a_settled_bet(log: list[Logged]) -> int:
    """The place of an event that needs a bet to be there."""
    return next(n for n, each in enumerate(log) if isinstance(each.recorded.event, BetSettled))


FAULTS: dict[str, tuple[Edit, str]] = {
    "a changed key": (
        lambda log: altered(log, CUT, idempotency_key="another"),
        f"position {CUT + 1}, hash: is ",
    ),
    "a changed payload": (
        lambda log: altered(log, a_settled_bet(log), event=BetCancelled(reason="forged")),
        ", hash: is ",
    ),
    "a missing event": (
        lambda log: log[:CUT] + log[CUT + 1 :],
        f"position {CUT + 1}, position: is {CUT + 2}, should be {CUT + 1}",
    ),
    "an event that comes twice": (
        lambda log: [*log[:CUT], log[CUT - 1], *log[CUT:]],
        f"position {CUT + 1}, position: is {CUT}, should be {CUT + 1}",
    ),
    "an event of another tenant": (
        lambda log: resealed(log, CUT, tenant_id=5),
        f"position {CUT + 1}, tenant_id: is 5, should be {DEFAULT_TENANT}",
    ),
    "an event from before": (
        lambda log: resealed(log, CUT, timestamp=0),
        f"position {CUT + 1}, timestamp: is 0, should be ",
    ),
    "a version that is not the next": (
        lambda log: resealed(log, CUT, version=77),
        f"position {CUT + 1}, version: is 77, should be ",
    ),
    "a version that was there already": (
        lambda log: resealed(log, a_settled_bet(log), version=1),
        ", version: is 1, should be ",
    ),
    "an event of a bet that was never placed": (
        lambda log: resealed(log, a_settled_bet(log), aggregate_id="bet-unheard-of"),
        ", event_type: is There is no bet",
    ),
    "a missing end": (lambda log: log[:CUT], f"The file ends at position {CUT} instead of "),
}


@pytest.mark.parametrize(("edit", "said"), FAULTS.values(), ids=FAULTS)
async def test_the_first_fault_ends_an_import_which_leaves_nothing(
    database: str, connection: Connection, tmp_path: Path, edit: Edit, said: str
) -> None:
    make(tmp_path / "file", LOG, edit)
    for limits in ({}, FEW):
        with pytest.raises((FaultFound, Unreadable)) as caught:
            await bring_in(database, tmp_path / "file", **limits)
        assert said in str(caught.value)
        assert await nothing_of(connection, DEFAULT_TENANT)


def cut(content: bytes) -> bytes:
    """Half of a file."""
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """A file with one wrong byte."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def empty(_: bytes) -> bytes:
    """A file of nothing."""
    return b""


@pytest.mark.parametrize("damage", [cut, flipped, empty, bytes.hex])
async def test_a_damaged_file_leaves_nothing(
    database: str, connection: Connection, tmp_path: Path, damage: Any
) -> None:
    file = tmp_path / "file"
    make(file, LOG)
    damaged = damage(file.read_bytes())
    file.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    with pytest.raises((Unreadable, FaultFound)):
        await bring_in(database, file)
    assert await nothing_of(connection, DEFAULT_TENANT)


async def test_avro_that_is_no_export_is_told(database: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(avro_events.encode(LOG))
    with pytest.raises(Unreadable, match="does not say whose events"):
        await bring_in(database, file)


async def test_an_event_of_a_newer_version_is_told_by_its_name(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    make(file, LOG)
    with file.open("rb") as opened:
        reader = avro.reader(opened, return_record_name=True)
        records: list[Any] = list(reader)
    name, newer = records[CUT]
    records[CUT] = (name, newer | {"event_type": "UNKNOWN", "event_name": "v2.bets.bet.placed"})
    with file.open("wb") as opened:
        avro.writer(opened, avro_events.SCHEMA, records, metadata=reader.metadata)
    with pytest.raises(Unreadable, match=rf"after position {CUT} .*: v2\.bets\.bet\.placed"):
        await bring_in(database, file)
    assert await nothing_of(connection, DEFAULT_TENANT)


async def test_the_events_of_a_release_can_be_imported(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    make(tmp_path / "file", LOG)
    await bring_in(database, tmp_path / "file")
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == len(LOG)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("SET wallet = 'internal' WHERE id = $1", "an internal wallet here"),
        ("SET id = 5 WHERE id = $1", "slug 'default'"),
    ],
    ids=["another wallet", "a slug that is taken"],
)
async def test_a_tenant_that_does_not_fit_is_refused(
    database: str, connection: Connection, tmp_path: Path, change: str, said: str
) -> None:
    make(tmp_path / "file", LOG)
    await connection.execute(f"UPDATE tenants {change}", DEFAULT_TENANT)
    with pytest.raises(ImportRefused, match=said):
        await bring_in(database, tmp_path / "file")
    assert not (await held(connection, DEFAULT_TENANT))["bet_events"]


async def test_two_payments_with_one_key_are_refused(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    later = next(n for n, each in enumerate(LOG) if each.recorded.aggregate_id == "payment-3")
    key = LOG[0].recorded.idempotency_key
    make(tmp_path / "file", LOG, lambda log: resealed(log, later, idempotency_key=key))
    with pytest.raises(ImportRefused, match="ux_payments_view_idempotency"):
        await bring_in(database, tmp_path / "file")
    assert await nothing_of(connection, DEFAULT_TENANT)
