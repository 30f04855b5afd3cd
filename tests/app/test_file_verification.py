"""`verify --file`: an exported file alone says whether its log is whole."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from app import event_log
from app.avro_events import encode
from app.event_log import Logged
from app.file_verification import Unreadable, VerifiedFile, verify_file
from domain.bet import BetPlaced
from tests.app.ledger import Connection
from tests.app.operators import TENANTS, operate
from tests.app.processes import run
from tests.conftest import INTERNAL_TENANT


@pytest.fixture
async def exported(database: str, connection: Connection) -> list[Logged]:
    """The log of one tenant."""
    await operate(database, 200, tenants=[INTERNAL_TENANT])
    return [logged async for some in event_log.read(connection, INTERNAL_TENANT) for logged in some]


def written(path: Path, events: Sequence[Logged]) -> Path:
    """A file with these events."""
    path.write_bytes(encode(events))
    return path


def only(found: Sequence[VerifiedFile]) -> VerifiedFile:
    """What was found of the one tenant in the file."""
    assert len(found) == 1
    return found[0]


async def test_all_tenants_of_an_export_are_as_they_should_be(
    database: str, connection: Connection, tmp_path: Path
) -> None:
    await operate(database, 300)
    events = [
        logged
        for tenant in TENANTS
        async for some in event_log.read(connection, tenant)
        for logged in some
    ]
    found = verify_file(written(tmp_path / "all.avro", events))
    assert [each.tenant_id for each in found] == list(TENANTS)
    assert {each.fault for each in found} == {None}
    assert sum(each.last for each in found) == len(events)


async def test_an_export_that_begins_in_the_middle_is_checked_from_there(
    exported: list[Logged], tmp_path: Path
) -> None:
    found = only(verify_file(written(tmp_path / "part.avro", exported[30:])))
    assert (found.first, found.last, found.fault) == (31, len(exported), None)


async def test_what_was_changed_in_a_file_is_named(exported: list[Logged], tmp_path: Path) -> None:
    at = next(n for n, e in enumerate(exported) if n and isinstance(e.recorded.event, BetPlaced))
    recorded = exported[at].recorded
    assert isinstance(recorded.event, BetPlaced)
    dearer = replace(recorded, event=replace(recorded.event, stake=recorded.event.stake + 1))
    for name, events, column in (
        (
            "edited",
            [*exported[:at], Logged(dearer, exported[at].hash), *exported[at + 1 :]],
            "hash",
        ),
        ("removed", [*exported[:at], *exported[at + 1 :]], "position"),
        ("doubled", [*exported[: at + 1], *exported[at:]], "position"),
    ):
        fault = only(verify_file(written(tmp_path / name, events))).fault
        assert fault is not None
        assert fault.column == column
        assert fault.position == at + (2 if name == "doubled" else 1)


async def test_a_file_that_is_cut_or_no_export_is_one_line(
    exported: list[Logged], tmp_path: Path
) -> None:
    whole = encode(exported)
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("text", b"no container"),
        ("empty", b""),
        ("damaged", whole[:-400] + bytes(100) + whole[-300:]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unreadable, match=name):
            verify_file(tmp_path / name)


async def test_the_command_says_what_it_has_checked(exported: list[Logged], tmp_path: Path) -> None:
    path = written(tmp_path / "events.avro", exported)
    finished = await run("verify", "--file", str(path))
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == (
        f"tenant {INTERNAL_TENANT}: events 1 to {len(exported)} are as they should be\n"
    )
    written(path, exported[::-1])
    finished = await run("verify", "--file", str(path))
    assert finished.returncode == 1
    assert "position" in finished.stdout
