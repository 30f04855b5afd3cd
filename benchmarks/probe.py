"""A caller beside the load: bets at a steady rate, each on a connection of its own."""

import asyncio
import secrets
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import count
from math import ceil
from typing import Final, NamedTuple
from urllib.parse import urlsplit

TIMEOUT_SECONDS: Final = 10.0
NO_ANSWER: Final = 0
CREATED: Final = 201
_BODY: Final = b'{"user_id":"user-1","stake":5.5,"odds":2.1,"fixture_id":"fixture-1"}'


class Answer(NamedTuple):
    """When a bet was due, on the clock `time.monotonic`, and what became of it.

    `status` is `NO_ANSWER` if there was none in time; `milliseconds` count from when the bet
    was due to the end of the answer, with connecting.
    """

    due: float
    status: int
    milliseconds: float


class Probe:
    """The answers so far; they may be read while more come."""

    def __init__(self, root: str, tenant: int) -> None:
        url = urlsplit(root)
        self.answers: Final[list[Answer]] = []
        self._host, self._port = url.hostname or "", url.port or 80
        self._tenant = tenant
        self._run = secrets.token_hex(8)
        self._number = count(1)

    def during(self, since: float, until: float) -> list[Answer]:
        """The answers to bets that were due from `since` to `until`."""
        return [answer for answer in self.answers if since <= answer.due < until]

    async def call(self, rate: float, ended: threading.Event) -> None:
        """Place so many bets a second until `ended` is set, and wait for their answers."""
        calls: set[asyncio.Task[None]] = set()
        due = time.monotonic()
        while not ended.is_set():
            calls = {call for call in calls if not call.done()}
            calls.add(asyncio.create_task(self._place(due)))
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await asyncio.gather(*calls)

    async def _place(self, due: float) -> None:
        status = NO_ANSWER
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status = await self._status()
        except (OSError, TimeoutError, IndexError, ValueError):
            pass  # no answer, or none that can be read
        self.answers.append(Answer(due, status, (time.monotonic() - due) * 1000))

    async def _status(self) -> int:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(self._request())
            return int((await reader.read()).split(b" ", 2)[1])
        finally:
            writer.close()

    def _request(self) -> bytes:
        head = (
            f"POST /bets HTTP/1.1\r\nHost: {self._host}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nX-Tenant-Id: {self._tenant}\r\n"
            f"Idempotency-Key: probe-{self._run}-{next(self._number)}\r\n"
            f"Content-Length: {len(_BODY)}\r\n\r\n"
        )
        return head.encode() + _BODY


@contextmanager
def probing(root: str, tenant: int, rate: float) -> Generator[Probe]:
    """A probe that calls in a thread of its own meanwhile, and has all answers afterwards."""
    probe, ended = Probe(root, tenant), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(probe.call(rate, ended)))
    thread.start()
    try:
        yield probe
    finally:
        ended.set()
        thread.join()


def percentile_ms(answers: Iterable[Answer], part: float) -> float | None:
    """The time within which `part` of them were answered; None without any answers."""
    times: Sequence[float] = sorted(answer.milliseconds for answer in answers)
    return round(times[max(0, ceil(part * len(times)) - 1)], 1) if times else None
