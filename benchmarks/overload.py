"""The `python -m benchmarks.overload` command: the ledger under more load than it can take."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Final

import asyncpg
import click
from msgspec import Struct

from app.complaint import Complaint
from app.settings import Settings
from benchmarks import memory, services
from benchmarks.failure import BenchmarkFailed
from benchmarks.fresh_database import fresh_database
from benchmarks.load import Measurement, Script, Wrk
from benchmarks.probe import CREATED, NO_ANSWER, Answer, Probe, percentile_ms, probing
from benchmarks.scenarios import OF_THE_LEDGER, USERS
from benchmarks.services import Running

LEAST_GOODPUT: Final = 0.8  # of the maximum
TIMES_THE_QUEUE: Final = 4
MAXIMUM_CONNECTIONS: Final = 256
MAXIMUM_RUNS: Final = 3
MAXIMUM_SECONDS: Final = 4
PROBES_A_SECOND: Final = 20.0
QUIET_SECONDS: Final = 5
AFTERWARDS_SECONDS: Final = 15
FIRST_SECONDS: Final = 5
NORMAL: Final = 2.0  # times the latency without load

_BUILD: Final = Path(__file__).parent.parent / "build"
_TENANT: Final = OF_THE_LEDGER.first
_LOGGED: Final = "SELECT position FROM tenant_heads WHERE tenant_id = $1"


class Sample(Struct, frozen=True):
    """How long the log was at a moment (by `time.monotonic`), and what the service held."""

    moment: float
    logged: int
    resident_mib: float


class Watch:
    """Takes a sample each second until it is told to stop."""

    def __init__(self, url: str, service: Running) -> None:
        self.samples: Final[list[Sample]] = []
        self._url: Final = url
        self._service: Final = service
        self._stopped = False

    def stop(self) -> None:
        """Take no more samples."""
        self._stopped = True

    def run(self) -> None:
        """Take the samples."""
        asyncio.run(self._take())

    def a_second(self, since: float, until: float) -> float:
        """How many commands were logged a second meanwhile."""
        met = self.during(since, until)
        return (met[-1].logged - met[0].logged) / (met[-1].moment - met[0].moment)

    def during(self, since: float, until: float) -> Sequence[Sample]:
        """The samples of that time."""
        return [sample for sample in self.samples if since <= sample.moment <= until]

    async def _take(self) -> None:
        connection = await asyncpg.connect(self._url)
        while not self._stopped:
            logged = await connection.fetchval(_LOGGED, _TENANT) or 0
            held = memory.of_service(self._service.pid)
            resident = held.resident_mib if held else 0.0
            self.samples.append(Sample(time.monotonic(), logged, resident))
            await asyncio.sleep(1)
        await connection.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", type=click.IntRange(5), default=60, show_default=True)
@click.option("--connections", type=click.IntRange(1), help="Four times the queue by default.")
def overload(seconds: int, connections: int | None) -> None:
    """Flood a ledger from callers who call again at once; needs wrk.

    The callers are four times as many as its queue holds. Arrivals at four times its maximum
    without waiting for answers would need a second machine to make them.
    """
    wrk = Wrk()
    _BUILD.mkdir(exist_ok=True)
    callers = connections or TIMES_THE_QUEUE * Settings().queue_limit
    with (
        tempfile.TemporaryDirectory(prefix="overload-", dir=_BUILD) as directory,
        fresh_database(Path(directory)) as url,
        services.ledger(url, Path(directory)) as service,
    ):
        _undisturbed(wrk, service)  # to warm up
        before = _undisturbed(wrk, service)
        goodput, unanswered = _flood(wrk, url, service, callers, seconds)
        after = _undisturbed(wrk, service)
    maximum = median([*before, *after])
    print(f"maximum: {maximum:,.0f} bets/s from {MAXIMUM_CONNECTIONS} connections", end=", ")
    print(f"before {median(before):,.0f}, after {median(after):,.0f}")
    print(f"goodput: {goodput / maximum:.2f} of the maximum")
    if unanswered:
        raise BenchmarkFailed(f"{unanswered} calls had no answer in time.")
    if goodput < LEAST_GOODPUT * maximum:
        raise BenchmarkFailed(f"That is less than {LEAST_GOODPUT} of the maximum.")


def _undisturbed(wrk: Wrk, service: Running) -> list[float]:
    """The throughput of a few runs with fewer callers than the queue holds."""
    script = Script("place_bets.lua", (_TENANT, 1, USERS))
    runs = [
        wrk.run(service.root, script, MAXIMUM_CONNECTIONS, MAXIMUM_SECONDS)
        for _ in range(MAXIMUM_RUNS)
    ]
    return [run.requests_per_second for run in runs]


def _flood(wrk: Wrk, url: str, service: Running, callers: int, seconds: int) -> tuple[float, int]:
    """Watch the service before, during and after.

    Returns how many bets it logged a second, and how many calls had no answer in time.
    """
    watch = Watch(url, service)
    with (
        ThreadPoolExecutor(max_workers=1) as beside,
        probing(service.root, _TENANT, PROBES_A_SECOND) as probe,
    ):
        watching = beside.submit(watch.run)
        time.sleep(QUIET_SECONDS)
        script = Script("place_bets.lua", (_TENANT, 1, USERS))
        began = time.monotonic()
        answered = wrk.flood(service.root, script, callers, seconds)
        ended = time.monotonic()
        time.sleep(AFTERWARDS_SECONDS)
        watch.stop()
        watching.result()
    _report(watch, probe, answered, (began, ended))
    return watch.a_second(began, ended), answered.timeouts + answered.broken


def _report(watch: Watch, probe: Probe, answered: Measurement, flood: tuple[float, float]) -> None:
    began, ended = flood
    print(
        f"flood: {watch.a_second(began, ended):,.0f} bets/s;"
        f" {answered.requests_per_second:,.0f} answers/s, of {answered.requests:,} in all"
        f" {answered.statuses_over_399:,} turned away;"
        f" {answered.timeouts} without an answer in time, {answered.broken} broken"
    )
    quiet, met = probe.during(0, began), probe.during(began, ended)
    print(f"a caller before: {_times(quiet)}")
    print(f"accepted meanwhile: {_times([a for a in met if a.status == CREATED])}")
    print(f"turned away meanwhile: {_times([a for a in met if a.status == 503])}")  # noqa: PLR2004 - HTTP
    print(f"without an answer: {sum(a.status == NO_ANSWER for a in met)}")
    first = probe.during(began, began + FIRST_SECONDS)
    print(f"the first {FIRST_SECONDS} s, in which all of them connect: {_times(first)}")
    for name, part in (("before", (0, began)), ("during", flood), ("after", (ended, 1e12))):
        held = [sample.resident_mib for sample in watch.during(*part)]
        print(f"memory {name}: {min(held):.0f} to {max(held):.0f} MiB, last {held[-1]:.0f}")
    print(f"normal again after: {_recovery(probe, quiet, ended)}", flush=True)


def _times(answers: Sequence[Answer]) -> str:
    p50, p99 = percentile_ms(answers, 0.5), percentile_ms(answers, 0.99)
    return f"p50 {p50} ms, p99 {p99} ms (of {len(answers)})"


def _recovery(probe: Probe, quiet: Sequence[Answer], ended: float) -> str:
    """The first second after the flood in which all bets were placed as fast as before it."""
    usual = percentile_ms(quiet, 0.99) or 0.0
    for second in range(AFTERWARDS_SECONDS - 1):
        answers = probe.during(ended + second, ended + second + 1)
        placed = all(answer.status == CREATED for answer in answers)
        if placed and (percentile_ms(answers, 0.5) or 0.0) <= NORMAL * usual:
            return f"{second} s"
    return f"not within {AFTERWARDS_SECONDS - 1} s"


if __name__ == "__main__":
    try:
        overload()
    except (BenchmarkFailed, Complaint) as error:
        sys.exit(f"benchmarks: {error}")
