"""A session of measuring: every service in turn, contest by contest, round by round."""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Final

from msgspec import Struct

from benchmarks import cost, memory, open_loop, services, tally
from benchmarks.cost import Cost
from benchmarks.failure import BenchmarkFailed
from benchmarks.load import Measurement, Script, Wrk
from benchmarks.memory import Memory
from benchmarks.open_loop import Arrivals, Latency
from benchmarks.results import Meeting, Results, Run, throughputs
from benchmarks.scenarios import (
    CONTESTS,
    CROWDED,
    OF_THE_LEDGER,
    USERS,
    Contest,
    Plan,
    Scenario,
    Service,
    Tenants,
    tenants_of,
)
from benchmarks.seed import Seed
from benchmarks.services import Running
from benchmarks.tally import Tally

LOAD_OF_ARRIVALS: Final = 0.5  # of the most that was reached
_WITHOUT_DATABASE: Final[frozenset[Service]] = frozenset({"no-op", "shell"})
_TOWARDS_THE_END: Final = 0.8
_LEDGERS: Final[frozenset[Service]] = frozenset({"ledger", "two workers"})


class Measured(Struct, frozen=True):
    """All that a session measures.

    `latency` is what bets met that arrived at half the rate which the ledger could take,
    `memory` what the ledger held under the most connections; None where no one can tell.
    """

    results: Results
    latency: Latency
    memory: Memory | None


class Session:
    """Measures and keeps count of the commands that were acknowledged.

    A round takes every contest before the next begins, and a contest its services one after
    the other: whatever drifts (a growing database, a warm processor, a busy neighbour) meets
    all of them.
    """

    def __init__(self, wrk: Wrk, url: str, running: Mapping[Service, Running], seed: Seed) -> None:
        self.acknowledged: Final[dict[Tenants, Tally]] = defaultdict(Tally)
        self._wrk = wrk
        self._url = url
        self._running = running
        self._seed = seed

    def measure(self, plan: Plan) -> Measured:
        """Warm up, then measure every round, then what is measured once."""
        results: Results = defaultdict(list)
        for contest in CONTESTS:
            if not contest.brief:
                self._meet(contest, plan.warm_up_seconds, "warm-up")
        for turn in range(1, plan.rounds + 1):
            for contest in CONTESTS:
                seconds = plan.brief_seconds if contest.brief else plan.seconds
                met = self._meet(contest, seconds, f"round {turn}/{plan.rounds}")
                for meeting, run in met.items():
                    results[meeting].append(run)
        held = self._memory_in(CROWDED, plan.seconds)
        return Measured(results, self._latency(results, plan.arrivals_seconds), held)

    def metrics(self) -> list[str]:
        """What the ledger says of itself, with one worker and with two."""
        roots = [self._running[service].root for service in sorted(_LEDGERS)]
        return [services.answer(f"{root}/metrics") for root in roots]

    def _meet(self, contest: Contest, seconds: int, occasion: str) -> Mapping[Meeting, Run]:
        met: dict[Meeting, Run] = {}
        for at_once in contest.meetings:
            met |= self._run(at_once, seconds, occasion)
        return met

    def _run(self, at_once: Sequence[Meeting], seconds: int, occasion: str) -> dict[Meeting, Run]:
        """Run what one service meets at once; what it cost is known of a single scenario alone."""
        service = at_once[0][0]
        scenarios = "; ".join(str(scenario) for _, scenario in at_once)
        print(f"{scenarios}, {service}, {occasion} …", end=" ", flush=True)
        before = self._cost(service) if len(at_once) == 1 else None
        try:
            with ThreadPoolExecutor() as loads:
                running = [loads.submit(self._load, *meeting, seconds) for meeting in at_once]
                measured = [load.result() for load in running]
        except BenchmarkFailed:
            print("failed", flush=True)
            raise
        print(*(f"{each.requests_per_second:,.0f} req/s" for each in measured), flush=True)
        cost = after - before if before and (after := self._cost(service)) else None
        met = dict(zip(at_once, measured, strict=True))
        for meeting, each in met.items():
            self._acknowledge(*meeting, each)
        return {meeting: Run(measured=each, cost=cost) for meeting, each in met.items()}

    def _load(self, service: Service, scenario: Scenario, seconds: int) -> Measurement:
        script = _script(service, scenario, self._seed)
        return self._wrk.run(self._running[service].root, script, scenario.connections, seconds)

    def _latency(self, results: Results, seconds: int) -> Latency:
        most = max(
            median(throughputs(runs))
            for (service, scenario), runs in results.items()
            if service == "ledger" and scenario.load == "place_bets"
        )
        arrivals = Arrivals(
            root=self._running["ledger"].root,
            rate=round(LOAD_OF_ARRIVALS * most),
            seconds=seconds,
            tenant=OF_THE_LEDGER.first,
            users=USERS,
        )
        print(f"POST /bets, {arrivals.rate} arrivals a second, ledger, once …", flush=True)
        latency = open_loop.place_bets(arrivals)
        self.acknowledged[OF_THE_LEDGER].bets += latency.answered
        return latency

    def _memory_in(self, scenario: Scenario, seconds: int) -> Memory | None:
        """What the ledger holds towards the end of a run."""
        with ThreadPoolExecutor(max_workers=1) as others:
            meeting: Meeting = ("ledger", scenario)
            running = others.submit(self._run, (meeting,), seconds, "for its memory")
            time.sleep(_TOWARDS_THE_END * seconds)
            held = memory.of_service(self._running["ledger"].pid)
            running.result()
        return held

    def _cost(self, service: Service) -> Cost | None:
        if service in _WITHOUT_DATABASE:
            return None
        return cost.so_far(self._url, self._running[service], is_ledger=service in _LEDGERS)

    def _acknowledge(self, service: Service, scenario: Scenario, measured: Measurement) -> None:
        if service in _WITHOUT_DATABASE or not scenario.writes:
            return
        answers = measured.answers or {"placed": measured.requests}
        told = tally.of_answers(answers, scenario.connections)
        self.acknowledged[tenants_of(service, scenario.load)].add(told)


def _script(service: Service, scenario: Scenario, seed: Seed) -> Script:
    first = tenants_of(service, scenario.load).first
    match scenario.load:
        case "place_bets" | "flood" | "beside":
            return Script("place_bets.lua", (first, scenario.tenants, USERS))
        case "mixed":
            return Script("mixed.lua", (seed.draws,))
        case "get_bet":
            return Script("get.lua", (first, seed.bets))
        case "get_user_bets":
            return Script("get.lua", (first, seed.lists))
