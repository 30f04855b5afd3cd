"""The `python -m benchmarks` command."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from app.complaint import Complaint
from benchmarks import invariants, report, services
from benchmarks.failure import BenchmarkFailed
from benchmarks.fresh_database import fresh_database
from benchmarks.load import Wrk
from benchmarks.report import Report, Row
from benchmarks.scenarios import Plan
from benchmarks.session import Session
from benchmarks.surroundings import observe

QUICK: Final = Plan(seconds=2, rounds=1, warm_up_seconds=1)
WARM_UP_SECONDS: Final = 2
_EXPECTED: Final = (BenchmarkFailed, Complaint)
_BUILD: Final = Path(__file__).parent.parent / "build"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.IntRange(1), default=8, show_default=True, help="A run.")
@click.option("--rounds", type=click.IntRange(1), default=2, show_default=True, help="Of runs.")
@click.option("--quick", is_flag=True, help="Half a minute, to see that everything works.")
def benchmark(seconds: int, rounds: int, *, quick: bool) -> None:
    """Measure POST /bets beside a no-op service; needs wrk.

    Uses a PostgreSQL server of its own, or a database of its own on DATABASE_URL's.
    """
    plan = Plan(seconds=seconds, rounds=rounds, warm_up_seconds=WARM_UP_SECONDS)
    wrk = Wrk()
    with _directory() as directory:
        measured = _measure(wrk, QUICK if quick else plan, directory)
    report.save(measured)
    print(report.render(measured))
    print(f"\nKept in {report.LATEST.relative_to(_BUILD.parent)}.")


def _measure(wrk: Wrk, plan: Plan, directory: Path) -> Report:
    started_at = report.now()
    print("starting PostgreSQL and both services …", flush=True)
    with fresh_database(directory) as url:
        surroundings = observe(url, directory, wrk.version())
        session, rows = _load(wrk, plan, url, directory)
        print("checking the ledger …", flush=True)
        held = asyncio.run(invariants.check_database(url, session.acknowledged))
    return Report(
        started_at=started_at,
        finished_at=report.now(),
        plan=plan,
        surroundings=surroundings,
        rows=rows,
        targets=report.targets(rows),
        invariants=held,
    )


def _load(wrk: Wrk, plan: Plan, url: str, directory: Path) -> tuple[Session, list[Row]]:
    """Measure; both services have stopped, with nothing left in flight, when it returns."""
    with services.no_op(directory) as no_op, services.ledger(url, directory) as ledger:
        session = Session(wrk, {"no-op": no_op, "bets": ledger}, plan)
        rows = session.measure()
        invariants.check_answers(services.answer(f"{ledger}/metrics"), session.acknowledged)
    return session, rows


@contextmanager
def _directory() -> Generator[Path]:
    """A directory for the run, here: a temporary one may be in memory, where flushing is free."""
    _BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="benchmark-", dir=_BUILD))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    """Run the command; what a person can mend is one line and exit status 1."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    try:
        benchmark()
    except _EXPECTED as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
