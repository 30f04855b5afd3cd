"""How fast a tenant's log is imported and exported: `python -m benchmarks.transfer`."""

import asyncio
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import click

from app import exporting, importing
from app.database import PLANNER, connect
from app.event_log import Logged
from app.export_file import ExportReader, ExportWriter, Heading
from benchmarks.fresh_database import fresh_database
from benchmarks.lived import TENANT, Lived

_BUILD: Final = Path(__file__).parent.parent / "build"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", type=click.IntRange(1), default=300_000, show_default=True)
@click.option("--users", type=click.IntRange(1), default=5_000, show_default=True)
def transfer(events: int, users: int) -> None:
    """Import a made-up tenant into a new database and export it again; both must agree."""
    _BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="transfer-", dir=_BUILD) as directory:
        file, again = Path(directory, "made.avro"), Path(directory, "exported.avro")
        number = _make(file, events, users)
        print(f"{number:,} events, {file.stat().st_size / number:.0f} bytes each in the file")
        with fresh_database(Path(directory)) as url:
            _timed("import", number, _bring_in(url, file))
            _timed("export", number, _bring_out(url, again))
        if _last(file) != _last(again):
            raise click.ClickException("The export is not what was imported.")


def _make(file: Path, events: int, users: int) -> int:
    """Write the export of a made-up tenant; returns how many events it has."""
    lived = Lived(users)
    lived.go_on(events)
    with file.open("wb") as opened:
        writer = ExportWriter(opened, Heading(tenant=TENANT, after=0, to=len(lived.log)))
        writer.write(lived.log)
    return len(lived.log)


def _timed(name: str, events: int, work: Coroutine[Any, Any, None]) -> None:
    began, used = time.perf_counter(), time.process_time()
    asyncio.run(work)
    seconds, used = time.perf_counter() - began, time.process_time() - used
    print(
        f"{name}: {events / seconds:,.0f} events/s ({seconds:.1f} s, "
        f"{used / events * 1e6:.0f} us of Python each)"
    )


async def _bring_in(url: str, file: Path) -> None:
    connection = await connect(url, PLANNER)
    try:
        with file.open("rb") as opened:
            await importing.import_(connection, ExportReader(opened), _silent)
    finally:
        await connection.close()


async def _bring_out(url: str, file: Path) -> None:
    connection = await connect(url, PLANNER)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            heading = await exporting.heading(connection, TENANT.id, 0)
            with file.open("wb") as opened:
                await exporting.export(connection, heading, opened, _silent)
    finally:
        await connection.close()


def _silent(_: int) -> None:
    pass


def _last(file: Path) -> Logged:
    """The last event, whose hash covers all the others."""
    with file.open("rb") as opened:
        return [chunk[-1] for chunk in ExportReader(opened).chunks() if chunk][-1]


if __name__ == "__main__":
    transfer()
