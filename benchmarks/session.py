"""A session of measuring: both services in turn, scenario by scenario, round by round."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from benchmarks.failure import BenchmarkFailed
from benchmarks.invariants import Acknowledged
from benchmarks.load import Measurement, Wrk
from benchmarks.report import Row, row
from benchmarks.scenarios import SCENARIOS, Plan, Scenario

Service: TypeAlias = Literal["no-op", "bets"]

_SERVICES: Final[tuple[Service, Service]] = ("no-op", "bets")


class Session:
    """Measures and keeps count of the bets that were acknowledged.

    A round takes every scenario and both services before the next begins: whatever drifts
    (a growing database, a warm processor, a busy neighbour) meets all of them.
    """

    def __init__(self, wrk: Wrk, roots: Mapping[Service, str], plan: Plan) -> None:
        self.acknowledged = Acknowledged()
        self._wrk = wrk
        self._roots = roots
        self._plan = plan

    def measure(self) -> list[Row]:
        """Warm up, then measure every round."""
        for scenario in SCENARIOS:
            for service in _SERVICES:
                self._run(service, scenario, self._plan.warm_up_seconds, "warm-up")
        runs: dict[tuple[Service, Scenario], list[Measurement]] = defaultdict(list)
        for turn in range(1, self._plan.rounds + 1):
            for scenario in SCENARIOS:
                for service in _SERVICES:
                    name = f"round {turn}/{self._plan.rounds}"
                    measured = self._run(service, scenario, self._plan.seconds, name)
                    runs[service, scenario].append(measured)
        return [
            row(scenario, runs["no-op", scenario], runs["bets", scenario]) for scenario in SCENARIOS
        ]

    def _run(
        self, service: Service, scenario: Scenario, seconds: int, occasion: str
    ) -> Measurement:
        print(f"{scenario}, {service}, {occasion} …", end=" ", flush=True)
        try:
            measured = self._wrk.place_bets(self._roots[service], scenario, seconds)
        except BenchmarkFailed:
            print("failed", flush=True)
            raise
        print(f"{measured.requests_per_second:,.0f} req/s", flush=True)
        if service == "bets":
            self.acknowledged.bets += measured.requests
            self.acknowledged.in_flight += scenario.connections
        return measured
