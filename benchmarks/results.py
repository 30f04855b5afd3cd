"""The runs of a session, and the figures that they come down to."""

from collections.abc import Sequence
from statistics import median
from typing import Final, TypeAlias, get_args

from msgspec import Struct

from benchmarks.cost import Cost
from benchmarks.failure import BenchmarkFailed
from benchmarks.load import Measurement
from benchmarks.scenarios import Load, Scenario, Service

MOST_DIFFERENCE_IN_SIZE: Final = 0.1


class Run(Struct, frozen=True, kw_only=True):
    """What one run measured and cost."""

    measured: Measurement
    cost: Cost | None


Meeting: TypeAlias = tuple[Service, Scenario]
"""A service and the scenario that it meets."""

Results: TypeAlias = dict[Meeting, list[Run]]
"""The runs of each meeting, round by round."""


class Row(Struct, frozen=True, kw_only=True):
    """A service in a scenario: the medians over the rounds, and the rounds themselves.

    Times are in milliseconds; `of_no_op`, `of_shell` and `of_by_hand` say how many times the
    throughput of these services in the same scenario it reached.
    """

    scenario: Scenario
    service: Service
    requests_per_second: float
    of_no_op: float | None
    of_shell: float | None
    of_by_hand: float | None
    p50_ms: float
    p99_ms: float
    wal_bytes_per_command: float | None
    commands_per_batch: float | None
    reruns_per_batch: float | None
    rounds: Sequence[Run]


def rows(results: Results) -> list[Row]:
    """All rows. Raises `BenchmarkFailed` if the services' answers are not comparable."""
    for service, scenario in results:
        _check_sizes(results, service, scenario)
    return [_row(results, *meeting) for meeting in sorted(results, key=_place)]


def _place(meeting: Meeting) -> tuple[int, int]:
    """Where a row stands: with its kind of load, by connections; services stay in order."""
    scenario = meeting[1]
    return get_args(Load).index(scenario.load), scenario.connections


def throughputs(runs: Sequence[Run]) -> list[float]:
    """Requests per second, round by round."""
    return [run.measured.requests_per_second for run in runs]


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' ratios; what drifts from round to round is not in it."""
    return round(median(a / b for a, b in zip(over, under, strict=True)), 3)


def _row(results: Results, service: Service, scenario: Scenario) -> Row:
    runs = results[service, scenario]
    costs = [(run.measured.requests, run.cost) for run in runs if run.cost]
    batches = [(requests, cost) for requests, cost in costs if cost.batches]
    return Row(
        scenario=scenario,
        service=service,
        requests_per_second=round(median(throughputs(runs)), 1),
        of_no_op=_share(results, service, "no-op", scenario),
        of_shell=_share(results, service, "shell", scenario),
        of_by_hand=_share(results, service, "by hand", scenario),
        p50_ms=round(median(run.measured.p50_microseconds for run in runs) / 1000, 3),
        p99_ms=round(median(run.measured.p99_microseconds for run in runs) / 1000, 3),
        wal_bytes_per_command=_median(
            [cost.wal_bytes / requests for requests, cost in costs] if scenario.writes else []
        ),
        commands_per_batch=_median([requests / cost.batches for requests, cost in batches]),
        reruns_per_batch=_median([cost.reruns / cost.batches for _, cost in batches]),
        rounds=runs,
    )


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 3) if values else None


def _share(results: Results, service: Service, other: Service, scenario: Scenario) -> float | None:
    under = results.get((other, scenario))
    if service in {"no-op", other} or not under:
        return None
    return ratio(throughputs(results[service, scenario]), throughputs(under))


def _check_sizes(results: Results, service: Service, scenario: Scenario) -> None:
    """A service whose answers were smaller would be compared for less work."""
    ledger = results["ledger", scenario]
    sizes = [
        median(run.measured.bytes / run.measured.requests for run in runs)
        for runs in (results[service, scenario], ledger)
    ]
    if abs(sizes[0] - sizes[1]) > MOST_DIFFERENCE_IN_SIZE * sizes[1]:
        raise BenchmarkFailed(
            f"{scenario}: {service} answers with {sizes[0]:.0f} bytes, the ledger with"
            f" {sizes[1]:.0f}: make them alike, or the ratio means nothing."
        )
