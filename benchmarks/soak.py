"""The `python -m benchmarks.soak` command: hours of an operator's day, and whether memory grows."""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from statistics import linear_regression
from typing import Final

import click

from app.complaint import Complaint
from benchmarks import memory, seed, services, soak_picture
from benchmarks.failure import BenchmarkFailed
from benchmarks.fresh_database import fresh_database
from benchmarks.load import Measurement, Script, Wrk
from benchmarks.probe import CREATED, Probe, percentile_ms, probing
from benchmarks.scenarios import OF_THE_LEDGER
from benchmarks.services import Running
from benchmarks.soak_picture import Sample

SAMPLE_SECONDS: Final = 10.0
SETTLED_AFTER: Final = 1 / 3  # of the time; until then caches fill
MOST_GROWTH_MIB: Final = 10.0  # an hour, by the straight line through what was measured
LEAST_MINUTES: Final = 20  # before such a line says anything
CONNECTIONS: Final = 64
PAUSE_MILLISECONDS: Final = 100
PROBES_A_SECOND: Final = 10.0

_BUILD: Final = Path(__file__).parent.parent / "build"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.IntRange(1, 1440), default=30, show_default=True)
def soak(minutes: int) -> None:
    """Put a moderate mixed load on the ledger, and draw its memory and latency; needs wrk."""
    wrk = Wrk()
    _BUILD.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="soak-", dir=_BUILD))
    try:
        with fresh_database(directory) as url:
            planted = seed.plant(url, directory)
            with services.ledger(url, directory) as service:
                script = Script("mixed_with_pauses.lua", (planted.draws, PAUSE_MILLISECONDS))
                samples = _run(wrk, service, script, minutes)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    soak_picture.draw(samples)
    print(f"drawn: {soak_picture.PICTURE.relative_to(_BUILD.parent)}")
    if not _holds(samples, minutes):
        sys.exit(1)


def _run(wrk: Wrk, service: Running, script: Script, minutes: int) -> Sequence[Sample]:
    with (
        ThreadPoolExecutor(max_workers=1) as beside,
        probing(service.root, OF_THE_LEDGER.first, PROBES_A_SECOND) as probe,
    ):
        load = beside.submit(wrk.run, service.root, script, CONNECTIONS, minutes * 60)
        samples = _samples(probe, service, load)
        carried_out = load.result()
    print(f"{carried_out.requests_per_second:,.0f} requests/s: {carried_out.answers}")
    failed = [answer.status for answer in probe.answers if answer.status != CREATED]
    if failed:
        raise BenchmarkFailed(f"{len(failed)} bets were not placed: {sorted(set(failed))}.")
    return samples


def _samples(probe: Probe, service: Running, load: "Future[Measurement]") -> Sequence[Sample]:
    samples: list[Sample] = []
    began = since = time.monotonic()
    while not load.done():
        time.sleep(SAMPLE_SECONDS)
        until = time.monotonic()
        held, answers = memory.of_service(service.pid), probe.during(since, until)
        samples.append(
            Sample(
                minutes=(until - began) / 60,
                resident_mib=held.resident_mib if held else 0.0,
                p50_ms=percentile_ms(answers, 0.5) or 0.0,
                p99_ms=percentile_ms(answers, 0.99) or 0.0,
            )
        )
        since = until
        print(samples[-1], flush=True)
    return samples


def _holds(samples: Sequence[Sample], minutes: int) -> bool:
    """Say how memory and latency went on once they had settled, and whether memory is bounded."""
    settled = samples[round(len(samples) * SETTLED_AFTER) :]
    growth = _slope_an_hour(settled, [sample.resident_mib for sample in settled])
    slower = _slope_an_hour(settled, [sample.p50_ms for sample in settled])
    held = [sample.resident_mib for sample in settled]
    print(f"memory: {held[0]:.1f} MiB after a third, {held[-1]:.1f} at the end, most {max(held)}")
    print(f"growth: {growth:+.1f} MiB an hour; p50 {slower:+.2f} ms an hour")
    if minutes < LEAST_MINUTES:
        print(f"too short to tell: {LEAST_MINUTES} minutes are the least")
        return True
    print("no growth" if growth <= MOST_GROWTH_MIB else "GROWTH")
    return growth <= MOST_GROWTH_MIB


def _slope_an_hour(samples: Sequence[Sample], values: Sequence[float]) -> float:
    hours = [sample.minutes / 60 for sample in samples]
    return linear_regression(hours, values).slope if len(set(hours)) > 1 else 0.0


if __name__ == "__main__":
    try:
        soak()
    except (BenchmarkFailed, Complaint) as error:
        sys.exit(f"benchmarks: {error}")
