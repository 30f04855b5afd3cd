"""What the figures have to reach."""

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from benchmarks import growth
from benchmarks.aging import Aging
from benchmarks.cost import RoundTrips
from benchmarks.results import Meeting, Results, Run, ratio, throughputs
from benchmarks.scenarios import (
    ALONE,
    BESIDE_FLOOD,
    BUSY,
    BUSY_MIXED,
    CROWDED,
    FLOOD,
    LISTING,
    READING,
)
from benchmarks.session import Measured

Bound: TypeAlias = Literal["at least", "at most"]

MOST_ROUND_TRIPS: Final = 3
MOST_RESIDENT_MIB: Final = 150


class Target(Struct, frozen=True, kw_only=True):
    """A figure that has to be reached, and whether it was."""

    name: str
    bound: Bound
    wanted: float
    measured: float
    reached: bool


class _Comparison(Struct, frozen=True):
    """The throughput, or else the `median_time`, of one service by that of another."""

    name: str
    wanted: float
    over: Meeting
    under: Meeting
    median_time: bool = False


# The no-op shares are those that were wanted with row-level security, which is always on.
_COMPARISONS: Final = (
    _Comparison(f"{BUSY}, of no-op", 0.45, ("ledger", BUSY), ("no-op", BUSY)),
    _Comparison(f"{BUSY}, of by hand", 4, ("ledger", BUSY), ("by hand", BUSY)),
    _Comparison(f"{CROWDED}, of no-op", 0.57, ("ledger", CROWDED), ("no-op", CROWDED)),
    _Comparison(f"{BUSY_MIXED}, of {BUSY}", 0.7, ("ledger", BUSY_MIXED), ("ledger", BUSY)),
    _Comparison(f"{BUSY}, two workers of one", 0.9, ("two workers", BUSY), ("ledger", BUSY)),
    _Comparison(
        f"{ALONE}, p50 of by hand's", 1, ("ledger", ALONE), ("by hand", ALONE), median_time=True
    ),
    _Comparison(
        "fair share: p50 of a tenant beside a flooding one, of the flooding tenant's own p50",
        0.4,
        ("ledger", BESIDE_FLOOD),
        ("ledger", FLOOD),
        median_time=True,
    ),
    _Comparison(f"{READING}, of by hand", 0.9, ("ledger", READING), ("by hand", READING)),
    _Comparison(f"{READING}, of no-op", 0.4, ("ledger", READING), ("no-op", READING)),
    _Comparison(f"{LISTING}, of by hand", 0.9, ("ledger", LISTING), ("by hand", LISTING)),
)


def of_session(measured: Measured, counted: RoundTrips) -> list[Target]:
    """The targets by what a session measured; one of which nothing is known is missing."""
    found = [_compared(comparison, measured.results) for comparison in _COMPARISONS]
    if held := measured.memory:
        name = f"{CROWDED}, MiB resident"
        found.append(target(name, "at most", MOST_RESIDENT_MIB, held.resident_mib))
    trips = counted.new_users
    return [*found, target("round trips of a batch", "at most", MOST_ROUND_TRIPS, trips)]


def of_aging(aging: Aging) -> list[Target]:
    """The targets of a tenant with a long history."""
    return [
        target(f"{aged.name}, {aging.old_events:,} events", "at least", growth.KEPT, aged.kept)
        for aged in aging.loads
    ]


def target(name: str, bound: Bound, wanted: float, measured: float) -> Target:
    """A target with its verdict."""
    reached = measured >= wanted if bound == "at least" else measured <= wanted
    return Target(name=name, bound=bound, wanted=wanted, measured=measured, reached=reached)


def _compared(comparison: _Comparison, results: Results) -> Target:
    values = _median_times if comparison.median_time else throughputs
    measured = ratio(values(results[comparison.over]), values(results[comparison.under]))
    bound: Bound = "at most" if comparison.median_time else "at least"
    return target(comparison.name, bound, comparison.wanted, measured)


def _median_times(runs: Sequence[Run]) -> list[float]:
    return [run.measured.p50_microseconds for run in runs]
