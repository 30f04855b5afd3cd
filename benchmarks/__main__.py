"""The `python -m benchmarks` command."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from app.complaint import Complaint
from benchmarks import aging, cost, invariants, report, results, seed, services, tally, targets
from benchmarks.cost import RoundTrips
from benchmarks.failure import BenchmarkFailed
from benchmarks.fresh_database import fresh_database
from benchmarks.load import Wrk
from benchmarks.report import Report
from benchmarks.scenarios import (
    BESIDE_IT,
    COUNTED,
    FLOODING,
    FULL,
    MIXED,
    OF_THE_LEDGER,
    OF_TWO_WORKERS,
    QUICK,
    READ,
    USUAL,
    Plan,
    Tenants,
)
from benchmarks.seed import Seed
from benchmarks.session import Session
from benchmarks.surroundings import observe
from benchmarks.tally import Tally

_EXPECTED: Final = (BenchmarkFailed, Complaint)
_BUILD: Final = Path(__file__).parent.parent / "build"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="A minute, to see that everything works.")
@click.option("--full", is_flag=True, help="Longer, and with a large tenant.")
def benchmark(*, quick: bool, full: bool) -> None:
    """Measure the ledger beside a no-op service and one made by hand; needs wrk.

    Uses a PostgreSQL server of its own, or a database of its own on DATABASE_URL's.
    """
    plan = QUICK if quick else FULL if full else USUAL
    wrk = Wrk()
    with _directory() as directory:
        measured = _measure(wrk, plan, directory)
    report.save(measured)
    print(report.render(measured))
    print(f"\nKept in {report.LATEST.relative_to(_BUILD.parent)}.")


def _measure(wrk: Wrk, plan: Plan, directory: Path) -> Report:
    started_at = report.now()
    print("starting PostgreSQL and the services …", flush=True)
    with fresh_database(directory) as url:
        surroundings = observe(url, directory, wrk.version())
        planted = seed.plant(url, directory)
        with services.everything(url, directory) as running:
            session = Session(wrk, url, running, planted)
            measured = session.measure(plan)
            metrics = session.metrics()
        counted = cost.round_trips(url)
        print("checking the ledger …", flush=True)
        held = _check(url, session.acknowledged, metrics, planted, counted)
    grown = aging.measure(wrk, plan, directory / "aging") if plan.large_tenant else None
    return Report(
        started_at=started_at,
        finished_at=report.now(),
        plan=plan,
        surroundings=surroundings,
        rows=results.rows(measured.results),
        latency=measured.latency,
        memory=measured.memory,
        round_trips=counted,
        aging=grown,
        targets=[
            *targets.of_session(measured, counted),
            *(targets.of_aging(grown) if grown else ()),
        ],
        invariants=held,
    )


def _check(
    url: str,
    acknowledged: dict[Tenants, Tally],
    metrics: Sequence[str],
    planted: Seed,
    counted: RoundTrips,
) -> list[str]:
    """Check the answers and the database; all services have stopped."""
    of_ledger = (OF_THE_LEDGER, OF_TWO_WORKERS, MIXED, FLOODING, BESIDE_IT)
    placed = sum(acknowledged[tenants].bets for tenants in of_ledger)
    invariants.check_answers(metrics, placed)
    carried_out = tally.of_metrics(metrics)
    without_http = {
        READ: Tally(bets=planted.placed),
        MIXED: Tally(payments=planted.paid),
        COUNTED: Tally(bets=counted.bets),
    }
    for tenants, commands in without_http.items():
        acknowledged[tenants].add(commands)
        carried_out.add(commands)
    return asyncio.run(invariants.check_database(url, acknowledged, carried_out))


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
