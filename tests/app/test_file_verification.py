"""`verify --file`: an exported file alone says whether its log is whole."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from app import event_log
from app.event_log import Logged
from app.export_file import ExportedTenant, ExportWriter, Heading, Unreadable
from app.file_verification import verify_file
from domain.bet import BetPlaced
from tests.app.ledger import Connection
from tests.app.operators import operate
from tests.app.processes import run
from tests.conftest import INTERNAL_TENANT

TENANT = ExportedTenant(
    id=INTERNAL_TENANT,
    name="internal",
    slug="internal",
    status="active",
    plan="basic",
    wallet="internal",
)


@pytest.fixture
async def exported(database: str, connection: Connection) -> list[Logged]:
    """The log of one tenant."""
    await operate(database, 200, tenants=[INTERNAL_TENANT])
    return [logged async for some in event_log.read(connection, INTERNAL_TENANT) for logged in some]


def written(path: Path, events: Sequence[Logged], after: int = 0) -> Path:
    """An export of these events."""
    with path.open("wb") as file:
        heading = Heading(tenant=TENANT, after=after, to=after + len(events))
        ExportWriter(file, heading).write(events)
    return path


async def test_an_export_that_begins_in_the_middle_is_checked_from_there(
    exported: list[Logged], tmp_path: Path
) -> None:
    found = verify_file(written(tmp_path / "part.avro", exported[30:], after=30))
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
        fault = verify_file(written(tmp_path / name, events)).fault
        assert fault is not None
        assert fault.column == column
        assert fault.position == at + (2 if name == "doubled" else 1)


async def test_a_file_that_is_cut_or_no_export_is_one_line(
    exported: list[Logged], tmp_path: Path
) -> None:
    whole = written(tmp_path / "whole", exported).read_bytes()
    for name, content in (
        ("cut", whole[: len(whole) // 2]),
        ("text", b"no container"),
        ("empty", b""),
        ("damaged", whole[:-400] + bytes(100) + whole[-300:]),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(Unreadable, match=r"no export|damaged after position"):
            verify_file(tmp_path / name)


async def test_an_export_that_lacks_its_end_is_told(exported: list[Logged], tmp_path: Path) -> None:
    with (tmp_path / "short").open("wb") as file:
        heading = Heading(tenant=TENANT, after=0, to=len(exported))
        ExportWriter(file, heading).write(exported[:-1])
    with pytest.raises(Unreadable, match=f"ends at position {len(exported) - 1} instead of"):
        verify_file(tmp_path / "short")


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
