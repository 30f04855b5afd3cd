"""Load from wrk: one run against one service, and what it measured."""

import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.failure import BenchmarkFailed

THREADS: Final = 1  # one keeps up with any single worker, and leaves the cores to the service
TIMEOUT_SECONDS: Final = 10
STARTING_SECONDS: Final = 30
MOST_REFUSED: Final = 0.01  # of mixed requests: two may move one bet at the same time
_REFUSALS: Final = frozenset({"409 illegal-transition", "422 insufficient-funds"})
_CARRIED_OUT: Final = frozenset({"placed", "confirmed", "settled", "cancelled", "paid", "repeated"})
_SCRIPTS: Final = Path(__file__).parent / "lua"
_HOW_TO_GET_WRK: Final = (
    "wrk makes the load and is not installed: `apt-get install wrk` or `brew install wrk`."
)


class Script(Struct, frozen=True):
    """A script in lua/ with the arguments that its head explains, all but the run's number."""

    name: str
    arguments: tuple[object, ...]


class Measurement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What wrk reports of a run; `requests` counts answers that arrived whole.

    `answers` counts those of the mixed load by kind.
    """

    requests: int
    microseconds: int
    bytes: int
    p50_microseconds: int
    p99_microseconds: int
    statuses_over_399: int
    broken: int
    timeouts: int
    answers: dict[str, int]

    @property
    def requests_per_second(self) -> float:
        """The throughput of the run."""
        return self.requests * 1_000_000 / self.microseconds


class Wrk:
    """The load generator; it counts its runs, so that no two use the same keys."""

    def __init__(self) -> None:
        program = shutil.which("wrk")
        if program is None:
            raise BenchmarkFailed(_HOW_TO_GET_WRK)
        self.program = program
        self._runs = count(1)

    def version(self) -> str:
        """The version as wrk states it."""
        stated = subprocess.run(  # noqa: S603 -- found by its name, no arguments from outside
            [self.program, "--version"], check=False, capture_output=True, text=True
        )
        return (stated.stdout + stated.stderr).partition("\n")[0].partition(" Copyright")[0]

    def run(self, root: str, script: Script, connections: int, seconds: int) -> Measurement:
        """Put load on `root` for so long. Raises `BenchmarkFailed` unless all went well."""
        return _checked(self.flood(root, script, connections, seconds))

    def flood(self, root: str, script: Script, connections: int, seconds: int) -> Measurement:
        """The same, whatever the answers are. Raises `BenchmarkFailed` if there are none."""
        options = {
            "--threads": THREADS,
            "--connections": connections,
            "--duration": f"{seconds}s",
            "--timeout": f"{TIMEOUT_SECONDS}s",
            "--script": _SCRIPTS / script.name,
        }
        flags = [str(part) for option in options.items() for part in option]
        arguments = (next(self._runs), *script.arguments)
        ended = subprocess.run(  # noqa: S603 -- found by its name, arguments made here
            [self.program, *flags, root, "--", *map(str, arguments)],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds + TIMEOUT_SECONDS + STARTING_SECONDS,
        )
        return _read(ended)


def _read(ended: subprocess.CompletedProcess[str]) -> Measurement:
    last_line = ended.stdout.strip().rpartition("\n")[2]
    try:
        measured = msgspec.json.decode(last_line, type=Measurement)
    except msgspec.DecodeError as error:
        said = (ended.stderr or ended.stdout).strip()
        raise BenchmarkFailed(
            f"wrk measured nothing (status {ended.returncode}): {said}"
        ) from error
    if not measured.requests:
        raise BenchmarkFailed("wrk got no answer at all.")
    return measured


def _checked(measured: Measurement) -> Measurement:
    refused = sum(measured.answers.get(refusal, 0) for refusal in _REFUSALS)
    unexpected = {
        kind: number
        for kind, number in measured.answers.items()
        if kind not in _REFUSALS | _CARRIED_OUT
    }
    if unexpected or measured.statuses_over_399 > refused or measured.broken or measured.timeouts:
        raise BenchmarkFailed(
            f"Of {measured.requests} requests {measured.statuses_over_399} were"
            f" refused, {measured.broken} connections broke, {measured.timeouts} answers took"
            f" more than {TIMEOUT_SECONDS} s; by kind: {measured.answers}."
        )
    if refused > MOST_REFUSED * measured.requests:
        raise BenchmarkFailed(
            f"More than {MOST_REFUSED:.0%} of the requests were refused: {measured.answers}."
        )
    return measured
