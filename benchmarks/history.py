"""A made-up history of one tenant: placed bets, as the rows that they leave in three tables."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any, Final, NamedTuple

import msgspec
from uuid_utils import uuid7

from app import fingerprint
from app.chain import Sealed, seal
from app.submission import CREATED, OPERATIONS
from domain.bet import BetPlaced, PlaceBet
from domain.events import EVENT_NAME, EVENT_TYPE
from domain.recorded import Metadata, Recorded, instant

SPAN: Final = timedelta(days=30)

# The columns of the rows that `rows` makes; the others are left to their defaults.
COLUMNS: Final = {
    "bet_events": (
        *("tenant_id", "position", "id", "aggregate_id", "event_type", "event_name"),
        *("event_data", "timestamp", "version", "idempotency_key", "metadata", "hash"),
    ),
    "bets_view": (
        *("tenant_id", "bet_id", "user_id", "stake", "odds", "fixture_id", "status"),
        *("version", "last_updated_at", "last_position", "idempotency_key"),
    ),
    "idempotency_keys": (
        *("tenant_id", "idempotency_key", "operation", "fingerprint", "resource_id"),
        *("command_id", "status"),
    ),
}

_SEED: Final = 1
_FIXTURES: Final = 500
_NANOSECONDS: Final = 1_000_000  # in a millisecond
_BATCH: Final = 50  # bets that were committed together, at one time
_METADATA: Final = Metadata()
_TYPE: Final = EVENT_TYPE[BetPlaced]
_NAME: Final = EVENT_NAME[_TYPE]
_OPERATION: Final = OPERATIONS[PlaceBet]


class Head(NamedTuple):
    """Where a log ends: the last event's position, hash and time in milliseconds."""

    position: int
    hash: bytes
    timestamp: int


class _Request(NamedTuple):
    """What a user sends for a bet: the same every time, as in lua/place_bets.lua."""

    event: BetPlaced
    columns: str
    fingerprint: str


class History:
    """Bets to follow on `head` up to the position `events`, spread evenly over `users` users.

    Evenly is the hardest on every cache. The times of the bets go from the head's, or from
    `SPAN` ago, up to `now` (in milliseconds). What the service computes for a bet is computed
    by the service's own code, so that it can go on where the history ends.
    """

    def __init__(self, tenant_id: int, users: int, head: Head, events: int, now: int) -> None:
        self.head = head
        self._tenant_id: Final = tenant_id
        self._events: Final = events
        self._drawn: Final = random.Random(f"{_SEED} {head.position}")
        self._requests: Final = [_request(n, self._drawn) for n in range(1, users + 1)]
        self._times: Final = self._moments(now)

    def _moments(self, now: int) -> Iterator[int]:
        """The time of each batch."""
        began = self.head.timestamp or now - SPAN // timedelta(milliseconds=1)
        batches = ceil((self._events - self.head.position) / _BATCH)
        for batch in range(1, batches + 1):
            yield began + (now - began) * batch // batches

    def rows(self, most: int) -> dict[str, bytes]:
        """The rows of at most so many bets, rounded up to whole batches, by table.

        In the text format of COPY, with the columns of `COLUMNS`; empty after the last bet.
        """
        lines: dict[str, list[str]] = {table: [] for table in COLUMNS}
        for _ in range(ceil(most / _BATCH)):
            if (bets := min(_BATCH, self._events - self.head.position)) == 0:
                break
            timestamp = next(self._times)
            moment = str(instant(timestamp))
            for _ in range(bets):
                self._add_bet(lines, timestamp, moment)
        return {table: "".join(rows).encode() for table, rows in lines.items() if rows}

    def _add_bet(self, lines: dict[str, list[str]], timestamp: int, moment: str) -> None:
        position = self.head.position + 1
        request = self._drawn.choice(self._requests)
        command_id = str(uuid7(nanoseconds=timestamp * _NANOSECONDS))
        # Keys begin at random, as those of clients do, so that they meet the whole of an index.
        key = f"{self._drawn.getrandbits(64):016x}-{position}"
        recorded = Recorded(
            tenant_id=self._tenant_id,
            position=position,
            id=str(uuid7(nanoseconds=timestamp * _NANOSECONDS)),
            aggregate_id=f"bet-{command_id}",
            version=1,
            timestamp=timestamp,
            idempotency_key=key,
            metadata=_METADATA,
            event=request.event,
        )
        sealed = seal(recorded, self.head.hash)
        self.head = Head(position, sealed.hash, timestamp)
        lines["bet_events"].append(_event_row(sealed))
        lines["bets_view"].append(_bet_row(recorded, request, moment))
        lines["idempotency_keys"].append(_key_row(recorded, request, command_id))


def _event_row(event: Sealed) -> str:
    return (
        f"{event.tenant_id}\t{event.position}\t{event.id}\t{event.aggregate_id}\t{_TYPE}\t{_NAME}\t"
        f"{bytes(event.event_data).decode()}\t{event.timestamp}\t{event.version}\t{event.idempotency_key}\t{{}}\t"
        f"\\\\x{event.hash.hex()}\n"
    )


def _bet_row(event: Recorded[Any], request: _Request, moment: str) -> str:
    return (
        f"{event.tenant_id}\t{event.aggregate_id}\t{request.columns}\tplaced\t{event.version}\t"
        f"{moment}\t{event.position}\t{event.idempotency_key}\n"
    )


def _key_row(event: Recorded[Any], request: _Request, command_id: str) -> str:
    return (
        f"{event.tenant_id}\t{event.idempotency_key}\t{_OPERATION}\t{request.fingerprint}\t"
        f"{event.aggregate_id}\t{command_id}\t{CREATED}\n"
    )


def _request(user: int, drawn: random.Random) -> _Request:
    command = PlaceBet(
        user_id=f"user-{user}",
        stake=Decimal(drawn.randint(100, 9999)).scaleb(-2),
        odds=Decimal(drawn.randint(200, 999)).scaleb(-2),
        fixture_id=f"fixture-{drawn.randint(1, _FIXTURES)}",
    )
    fields: Sequence[object] = (command.user_id, command.stake, command.odds, command.fixture_id)
    return _Request(
        event=BetPlaced(
            user_id=command.user_id,
            stake=command.stake,
            odds=command.odds,
            fixture_id=command.fixture_id,
        ),
        columns="\t".join(map(str, fields)),
        fingerprint=msgspec.json.encode(fingerprint.of_command(command)).decode(),
    )
