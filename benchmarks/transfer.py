"""How fast a tenant's log is imported and exported: `python -m benchmarks.transfer`."""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import click

from app.event_log import Logged
from app.export_file import ExportReader
from benchmarks import lived
from benchmarks.fresh_database import fresh_database
from benchmarks.lived import TENANT

_BUILD: Final = Path(__file__).parent.parent / "build"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", type=click.IntRange(1), default=300_000, show_default=True)
@click.option("--users", type=click.IntRange(1), default=5_000, show_default=True)
def transfer(events: int, users: int) -> None:
    """Import a made-up tenant into a new database and export it again; both must agree."""
    _BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="transfer-", dir=_BUILD) as directory:
        file, again = Path(directory, "made.avro"), Path(directory, "exported.avro")
        number = _made(file, events, users)
        print(f"{number:,} events, {file.stat().st_size / number:.0f} bytes each in the file")
        with fresh_database(Path(directory)) as url:
            _run(url, number, "import", str(file))
            _run(url, number, "export", "--tenant", str(TENANT.id), "--to", str(again))
        if _last(file) != _last(again):
            raise click.ClickException("The export is not what was imported.")


def _made(file: Path, events: int, users: int) -> int:
    """The number of events of a made-up tenant whose export is made in a process of its own.

    Its memory must not be counted to the commands, which the system does to who is forked.
    """
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(lived.make, file, events, users).result()


def _run(url: str, events: int, name: str, *arguments: str) -> None:
    """Run `stakebook events <name>`, and say how fast it was from its start to its end."""
    command = [sys.executable, "-m", "app", "events", name, *arguments]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url})  # noqa: S603 -- ours
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        raise click.ClickException(f"stakebook events {name} ended with {status}.")
    print(
        f"{name}: {events / seconds:,.0f} events/s ({seconds:.1f} s), of its own process"
        f" {(used.ru_utime + used.ru_stime) / events * 1e6:.0f} us of processor each"
        f" and at most {used.ru_maxrss // 1024} MiB"
    )


def _last(file: Path) -> Logged:
    """The last event, whose hash covers all the others."""
    with file.open("rb") as opened:
        return [chunk[-1] for chunk in ExportReader(opened).chunks() if chunk][-1]


if __name__ == "__main__":
    transfer()
