"""The report: a table to read, the targets, and a file to keep."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.failure import BenchmarkFailed
from benchmarks.load import Measurement
from benchmarks.scenarios import BUSY, SPREAD, Plan, Scenario
from benchmarks.surroundings import Surroundings

LATEST: Final = Path(__file__).parent / "results" / "latest.json"
OF_NO_OP: Final = 0.35
OF_ONE_TENANT: Final = 0.7
_MOST_DIFFERENCE_IN_SIZE: Final = 0.1

_HEADINGS: Final = (
    "connections",
    "tenants",
    "no-op req/s",
    "bets req/s",
    "ratio",
    "bets p50",
    "bets p99",
    "no-op p50",
    "no-op p99",
)


class Figures(Struct, frozen=True, kw_only=True):
    """The medians over the rounds, and the rounds themselves; times in milliseconds."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    rounds: Sequence[Measurement]


class Row(Struct, frozen=True, kw_only=True):
    """A scenario: bets beside the no-op service."""

    scenario: Scenario
    no_op: Figures
    bets: Figures
    ratio: float


class Target(Struct, frozen=True, kw_only=True):
    """A ratio that has to be reached."""

    name: str
    wanted: float
    measured: float
    reached: bool


class Report(Struct, frozen=True, kw_only=True):
    """All of a benchmark that counts."""

    started_at: datetime
    finished_at: datetime
    plan: Plan
    surroundings: Surroundings
    rows: Sequence[Row]
    targets: Sequence[Target]
    invariants: Sequence[str]


def row(scenario: Scenario, no_op: Sequence[Measurement], bets: Sequence[Measurement]) -> Row:
    """The row of a scenario. Raises `BenchmarkFailed` if the services are not comparable."""
    sizes = [median(run.bytes / run.requests for run in runs) for runs in (no_op, bets)]
    if abs(sizes[0] - sizes[1]) > _MOST_DIFFERENCE_IN_SIZE * sizes[1]:
        raise BenchmarkFailed(
            "The no-op service answers with {:.0f} bytes, the ledger with {:.0f}: make them"
            " alike, or the ratio means nothing.".format(*sizes)
        )
    of_no_op, of_bets = _figures(no_op), _figures(bets)
    ratio = of_bets.requests_per_second / of_no_op.requests_per_second
    return Row(scenario=scenario, no_op=of_no_op, bets=of_bets, ratio=round(ratio, 3))


def targets(rows: Sequence[Row]) -> list[Target]:
    """The two targets, by what was measured."""
    by_scenario: Mapping[Scenario, Row] = {row.scenario: row for row in rows}
    busy, spread = by_scenario[BUSY], by_scenario[SPREAD]
    of_one = spread.bets.requests_per_second / busy.bets.requests_per_second
    return [
        _target(f"{BUSY}, beside no-op", OF_NO_OP, busy.ratio),
        _target(f"{SPREAD}, beside one tenant", OF_ONE_TENANT, of_one),
    ]


def render(report: Report) -> str:
    """The report as text for a terminal."""
    cells = [_HEADINGS, *map(_cells, report.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    table = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    ]
    verdicts = [
        f"target {target.name}: {target.measured:.2f} of at least {target.wanted:.2f}, "
        + ("reached" if target.reached else "NOT REACHED")
        for target in report.targets
    ]
    held = [f"holds: {invariant}" for invariant in report.invariants]
    return "\n".join(["", *table, "", *verdicts, "", *held])


def save(report: Report) -> None:
    """Write the report where the newest one is kept."""
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _figures(runs: Sequence[Measurement]) -> Figures:
    return Figures(
        requests_per_second=round(median(run.requests_per_second for run in runs), 1),
        p50_ms=round(median(run.p50_microseconds for run in runs) / 1000, 3),
        p99_ms=round(median(run.p99_microseconds for run in runs) / 1000, 3),
        rounds=runs,
    )


def _target(name: str, wanted: float, measured: float) -> Target:
    return Target(name=name, wanted=wanted, measured=round(measured, 3), reached=measured >= wanted)


def _cells(line: Row) -> tuple[str, ...]:
    return (
        str(line.scenario.connections),
        str(line.scenario.tenants),
        f"{line.no_op.requests_per_second:,.0f}",
        f"{line.bets.requests_per_second:,.0f}",
        f"{line.ratio:.2f}",
        *(
            f"{milliseconds:.2f} ms"
            for figures in (line.bets, line.no_op)
            for milliseconds in (figures.p50_ms, figures.p99_ms)
        ),
    )
