"""Bets that arrive on a schedule of their own, and how long each waited for its answer.

Callers that wait for an answer before they send again spare a slow service the requests that
would have suffered (coordinated omission). These do not wait, and a latency counts from the
moment at which the request was due. The arrivals are a Poisson process, as those of many
independent callers are: evenly spaced ones could fall into step with whatever the service does
periodically. The schedule is drawn with a fixed seed, so every run has the same one.

Own code because no packaged generator does it: wrk2 is not in Debian, and those that are (hey)
or are on PyPI (pywrkr) send the same headers with every request.
"""

import gc
import random
import re
import secrets
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from benchmarks.failure import BenchmarkFailed

TIMEOUT_SECONDS: Final = 10
STARTING_SECONDS: Final = 30
UNSEEN_LAG_MS: Final = 1.0
MOST_LAG: Final = 0.2  # of the latency
_SEED: Final = 1
_CREATED: Final = 201
_RECEIVED_BYTES: Final = 65536
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END: Final = b"\r\n\r\n"
_PROJECT: Final = Path(__file__).parent.parent


class Arrivals(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The load: bets of one tenant's users `user-1` to `user-<users>`, `rate` in a second.

    A request that finds no free connection opens another one; once there are `connections`
    it waits, which is part of its latency. select(2) watches at most 1024 of them.
    """

    root: str
    rate: Annotated[int, Meta(ge=1)]
    seconds: Annotated[int, Meta(ge=1)]
    tenant: int
    users: int
    connections: Annotated[int, Meta(ge=1, le=900)] = 256


class Latency(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the arrivals met; times in milliseconds, from when a request was due.

    `requests_per_second` is the rate reached, from the start to the last answer. The lag is
    how long after it was due the generator took up a request, and `cores` the processor
    time it used in a second: both tell whether the generator was up to its schedule.
    """

    sent: int
    answered: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    lag_p99_ms: float
    lag_max_ms: float
    connections: int
    cores: float


def place_bets(arrivals: Arrivals) -> Latency:
    """Place bets in a process of its own; every one was answered with 201 when it returns.

    Raises `BenchmarkFailed` if not, or if the generator could not keep its schedule.
    """
    ended = subprocess.run(  # noqa: S603 -- this interpreter, this module, arguments made here
        [sys.executable, "-m", "benchmarks.open_loop", msgspec.json.encode(arrivals).decode()],
        check=False,
        capture_output=True,
        text=True,
        cwd=_PROJECT,
        timeout=arrivals.seconds + TIMEOUT_SECONDS + STARTING_SECONDS,
    )
    if ended.returncode:
        reason = ended.stderr.strip().rpartition("\n")[2]
        raise BenchmarkFailed(f"At {arrivals.rate} requests/s: {reason}")
    return msgspec.json.decode(ended.stdout, type=Latency)


class _Connection:
    """One keep-alive connection, and the request that it carries."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket: Final = socket.create_connection(address, TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(0)
        self.due = 0.0
        self._received = b""

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        if self.socket.send(request) < len(request):
            raise BenchmarkFailed("A request did not fit into an empty send buffer.")

    def status(self) -> int | None:
        """The status of the answer, once the whole of it is there."""
        arrived = self.socket.recv(_RECEIVED_BYTES)
        if not arrived:
            raise BenchmarkFailed("The service closed a connection without an answer.")
        self._received += arrived
        status = _whole(self._received)
        if status is not None:
            self._received = b""
        return status


def _whole(received: bytes) -> int | None:
    head_bytes = received.find(_HEAD_END)
    if head_bytes < 0:
        return None
    status, length = _STATUS.match(received), _LENGTH.search(received, 0, head_bytes + 2)
    if status is None or length is None:
        raise BenchmarkFailed(f"This is no answer of a known length: {received[:head_bytes]!r}")
    arrived = len(received) - head_bytes - len(_HEAD_END)
    return int(status[1]) if arrived >= int(length[1]) else None


class _Generator:
    """One run. Times are in seconds since it began.

    A loop of its own around select(2), because the timers of asyncio and of uvloop are a
    millisecond coarse, and that would be in every latency.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        url = urlsplit(arrivals.root)
        self._address: Final = (url.hostname or "", url.port or 80)
        self._limit: Final = arrivals.connections
        self._schedule: Final = deque(_schedule(arrivals))
        self._requests: Final = _requests(arrivals)
        self._waiting: Final[deque[float]] = deque()
        self._free: Final[deque[_Connection]] = deque()
        self._busy: Final[dict[int, _Connection]] = {}
        self._opened = 0
        self._statuses: Final[Counter[int]] = Counter()
        self._latencies: Final[list[float]] = []
        self._lags: Final[list[float]] = []
        self._began = 0.0

    def run(self) -> Latency:
        deadline = self._schedule[-1] + TIMEOUT_SECONDS
        self._began, processor_seconds = time.perf_counter(), time.process_time()
        while self._schedule or self._waiting or self._busy:
            self._take_up()
            now = self._now()
            if now > deadline:
                break
            until = self._schedule[0] if self._schedule else deadline
            readable, _, _ = select.select(self._busy, (), (), max(until - now, 0))
            for number in readable:
                self._receive(number)
                self._take_up()  # a batch of answers must not hold up what is due
        seconds = self._now()
        return self._measured(seconds, (time.process_time() - processor_seconds) / seconds)

    def _now(self) -> float:
        return time.perf_counter() - self._began

    def _take_up(self) -> None:
        """Take up what is due."""
        while self._schedule and (now := self._now()) >= self._schedule[0]:
            due = self._schedule.popleft()
            self._lags.append(now - due)
            self._waiting.append(due)
            self._send()

    def _send(self) -> None:
        """Send the request that waits longest, if a connection is free or may be opened."""
        if self._free:
            connection = self._free.popleft()
        elif self._opened < self._limit:
            connection = _Connection(self._address)
            self._opened += 1
        else:
            return
        connection.send(next(self._requests), self._waiting.popleft())
        self._busy[connection.socket.fileno()] = connection

    def _receive(self, number: int) -> None:
        connection = self._busy[number]
        status = connection.status()
        if status is None:
            return
        self._latencies.append(self._now() - connection.due)
        self._statuses[status] += 1
        del self._busy[number]
        self._free.append(connection)
        if self._waiting:
            self._send()

    def _measured(self, seconds: float, cores: float) -> Latency:
        sent, answered = len(self._lags), len(self._latencies)
        if answered < sent or set(self._statuses) != {_CREATED}:
            raise BenchmarkFailed(
                f"Of {sent} requests {len(self._waiting)} found no free connection and"
                f" {len(self._busy)} not answered within {TIMEOUT_SECONDS} s;"
                f" the statuses of the others: {dict(self._statuses)}."
            )
        latencies, lags = sorted(self._latencies), sorted(self._lags)
        return Latency(
            sent=sent,
            answered=answered,
            requests_per_second=round(answered / seconds, 1),
            p50_ms=_percentile_ms(latencies, 0.5),
            p99_ms=_percentile_ms(latencies, 0.99),
            p999_ms=_percentile_ms(latencies, 0.999),
            max_ms=_percentile_ms(latencies, 1),
            lag_p99_ms=_percentile_ms(lags, 0.99),
            lag_max_ms=_percentile_ms(lags, 1),
            connections=self._opened,
            cores=round(cores, 2),
        )


def _schedule(arrivals: Arrivals) -> list[float]:
    """When each request is due: a Poisson process of exactly `rate` times `seconds` arrivals."""
    drawn = random.Random(_SEED)
    number = arrivals.rate * arrivals.seconds
    return sorted(drawn.uniform(0, arrivals.seconds) for _ in range(number))


def _requests(arrivals: Arrivals) -> Iterator[bytes]:
    """Bets, each with a key of its own that begins at random, as in lua/place_bets.lua."""
    drawn = random.Random(_SEED)
    head = (
        f"POST /bets HTTP/1.1\r\nHost: {urlsplit(arrivals.root).netloc}\r\n"
        f"Content-Type: application/json\r\nX-Tenant-Id: {arrivals.tenant}\r\n"
        "Idempotency-Key: "
    ).encode()
    tails = [_tail(number, drawn) for number in range(1, arrivals.users + 1)]
    run = secrets.token_hex(8).encode()
    number = 0
    while True:
        number += 1
        key = b"%016x-%b-%d" % (drawn.getrandbits(64), run, number)
        yield head + key + drawn.choice(tails)


def _tail(user: int, drawn: random.Random) -> bytes:
    body = (
        f'{{"user_id": "user-{user}", "stake": {drawn.randint(100, 9999) / 100:.2f},'
        f' "odds": {drawn.randint(200, 999) / 100:.2f},'
        f' "fixture_id": "fixture-{drawn.randint(1, 500)}"}}'
    )
    return f"\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def _percentile_ms(ascending: Sequence[float], part: float) -> float:
    """The smallest value that `part` of all do not exceed, from seconds."""
    return round(ascending[ceil(part * len(ascending)) - 1] * 1000, 3)


def _checked(measured: Latency) -> Latency:
    """Latencies that the service made and not the generator; else raises `BenchmarkFailed`."""
    if measured.lag_p99_ms > max(UNSEEN_LAG_MS, MOST_LAG * measured.p99_ms):
        raise BenchmarkFailed(
            f"the load generator did not keep its schedule: it was {measured.lag_p99_ms} ms late"
            f" at p99 and {measured.lag_max_ms} ms at worst, of latencies of {measured.p99_ms} ms."
        )
    return measured


def main() -> None:
    """Run the arrivals that are the argument, as JSON, and print what they met, as JSON."""
    generator = _Generator(msgspec.json.decode(sys.argv[1], type=Arrivals))
    # Nothing here makes cycles, and a collection would be a pause in the schedule.
    gc.disable()
    try:
        print(msgspec.json.encode(_checked(generator.run())).decode())
    except (BenchmarkFailed, OSError) as error:
        sys.exit(str(error) or type(error).__name__)


if __name__ == "__main__":
    main()
