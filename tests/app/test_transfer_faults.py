"""Exports that are not whole, or do not fit, are refused and leave nothing behind."""

from pathlib import Path
from typing import Any

import fastavro
import pytest
from msgspec.structs import replace

from app import avro_events
from app.chain import seal
from app.event_log import Logged
from app.export_file import Unreadable
from app.fault import FaultFound
from app.importing import ImportRefused
from domain.bet import BetCancelled, BetSettled
from tests import corpus
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import observer, waiting
from tests.app.transfers import Edit, bring_in, held, make
from tests.conftest import DEFAULT_TENANT

CUT = 20
avro: Any = fastavro  # its types are partly unknown
LOG = corpus.events()
FEW = {"at_once": 10, "most_rows": 4}


async def nothing_of(connection: Connection, tenant: int) -> bool:
    """Whether no table but that of the tenants holds anything of the tenant."""
    rows = await held(connection, tenant)
    return not any(found for name, found in rows.items() if name != "tenants")


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


async def test_a_wallet_that_changes_while_the_head_is_waited_for_is_refused(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    make(tmp_path / "file", LOG)
    async with observer(database) as looking:
        async with connection.transaction():
            query = "UPDATE tenants SET wallet = 'internal' WHERE id = $1"
            await connection.execute(query, DEFAULT_TENANT)
            async with waiting(looking, bring_in(database, tmp_path / "file")) as importing:
                pass
        with pytest.raises(ImportRefused, match="an internal wallet here"):
            await importing
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
