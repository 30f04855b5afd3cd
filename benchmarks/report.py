"""The report: tables to read, and a file to keep."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks import plot
from benchmarks.aging import Aging
from benchmarks.cost import RoundTrips
from benchmarks.memory import Memory
from benchmarks.open_loop import Latency
from benchmarks.plot import Line, Point
from benchmarks.results import Row
from benchmarks.scenarios import CURVES, Plan
from benchmarks.surroundings import Surroundings
from benchmarks.targets import Target

LATEST: Final = Path(__file__).parent / "results" / "latest.json"
_OF_ANY_RUN: Final = LATEST.with_suffix(".svg")

_HEADINGS: Final = (
    "scenario",
    "service",
    "req/s",
    "of no-op",
    "of shell",
    "of by hand",
    "p50 ms",
    "p99 ms",
    "WAL bytes each",
    "in a batch",
    "rerun",
)
_LEFT_COLUMNS: Final = 2


class Report(Struct, frozen=True, kw_only=True):
    """All of a benchmark that counts."""

    started_at: datetime
    finished_at: datetime
    plan: Plan
    surroundings: Surroundings
    rows: Sequence[Row]
    latency: Latency
    memory: Memory | None
    round_trips: RoundTrips
    aging: Aging | None
    targets: Sequence[Target]
    invariants: Sequence[str]


def render(report: Report) -> str:
    """The report as text for a terminal."""
    figures = _table([_HEADINGS, *map(_cells, report.rows)], _LEFT_COLUMNS)
    verdicts = _table([_verdict(target) for target in report.targets], 1)
    held = [f"holds: {invariant}" for invariant in report.invariants]
    return "\n".join(["", *figures, "", *_notes(report), "", *verdicts, "", *held])


def save(report: Report) -> None:
    """Write the report, and its picture, where the newest ones are kept."""
    LATEST.parent.mkdir(exist_ok=True)
    plot.draw(_curves(report.rows), _OF_ANY_RUN if report.plan.rough else plot.PICTURE)
    LATEST.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _curves(rows: Sequence[Row]) -> list[Line]:
    """Throughput and p99 of each service that met every number of connections."""
    of_bets = sorted(
        (row for row in rows if row.scenario.load == "place_bets"),
        key=lambda row: row.scenario.connections,
    )
    return [
        Line(name=service, points=[_point(row) for row in of_bets if row.service == service])
        for service in CURVES
    ]


def _point(row: Row) -> Point:
    return Point(
        connections=row.scenario.connections,
        requests_per_second=row.requests_per_second,
        p99_ms=row.p99_ms,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.scenario),
        row.service,
        f"{row.requests_per_second:,.0f}",
        _shown(row.of_no_op, ".2f"),
        _shown(row.of_shell, ".2f"),
        _shown(row.of_by_hand, ".2f"),
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.2f}",
        _shown(row.wal_bytes_per_command, ",.0f"),
        _shown(row.commands_per_batch, ".1f"),
        _shown(row.reruns_per_batch, ".1%"),
    )


def _shown(value: float | None, pattern: str) -> str:
    return "" if value is None else format(value, pattern)


def _verdict(target: Target) -> tuple[str, ...]:
    return (
        target.name,
        f"{target.bound} {target.wanted:.2f}",
        f"{target.measured:.2f}",
        "reached" if target.reached else "NOT REACHED",
    )


def _notes(report: Report) -> Iterator[str]:
    counted, met = report.round_trips, report.latency
    yield (
        f"At {met.requests_per_second:,.0f} arrivals a second, half of what it can take, the"
        f" ledger answers a bet in {met.p50_ms:.2f} ms at p50, {met.p99_ms:.2f} at p99,"
        f" {met.p999_ms:.2f} at p99.9, {met.max_ms:.2f} at worst."
    )
    if report.memory:
        yield f"Its {report.memory.processes} processes hold {report.memory.resident_mib} MiB."
    yield (
        f"A batch of a warm tenant takes {counted.known_users} round trip(s) for users that the"
        f" process remembers, {counted.new_users} for others."
    )
    if report.aging:
        yield from _of_aging(report.aging)


def _of_aging(aging: Aging) -> Iterator[str]:
    for aged in aging.loads:
        yield (
            f"{aged.name}: {median(aged.old):,.0f} requests a second of a tenant that has"
            f" {aging.old_events:,} events, {median(aged.young):,.0f} of one that has"
            f" {aging.young_events:,}."
        )


def _table(lines: Sequence[tuple[str, ...]], left_columns: int) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(_aligned(line, widths, left_columns)).rstrip() for line in lines]


def _aligned(line: Sequence[str], widths: Sequence[int], left_columns: int) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield cell.ljust(width) if number < left_columns else cell.rjust(width)
