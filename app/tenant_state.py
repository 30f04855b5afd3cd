"""What a process remembers of a tenant: its head, and rows that are right while it holds."""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from msgspec import Struct

from domain.tenant import Tenant
from projections import PROJECTIONS
from projections.idempotency_keys import KeyRecord

RowT = TypeVar("RowT")

Rows = dict[str, Struct | None]
"""The rows of one table by key; None where it is known that there is no row."""

_SLACK: Final = 1.125
_PASSED: Final = 16  # commits that one read may overlap

TABLES: Final = tuple(projection.table.name for projection in PROJECTIONS)
_OF_USERS: Final = frozenset(p.table.name for p in PROJECTIONS if p.key_column == "user_id")


class Head(Struct, frozen=True, kw_only=True):
    """Where a tenant's log ends: the position, hash and time of its last event.

    `revision` counts the changes of what decisions rest on beside the log.
    """

    position: int
    hash: bytes
    last_timestamp: int
    revision: int


class TenantState:
    """A tenant as of `head`; not valid any more once somebody else has moved the head.

    The step to `head` may still be under way; `passed` are the heads before it. It is
    `outdated` once the head is known to have been moved, until it is read again.
    """

    def __init__(self, tenant: Tenant, head: Head) -> None:
        self.tenant = tenant
        self.head = head
        self.passed: deque[Head] = deque(maxlen=_PASSED)
        self.outdated = False
        self.rows: dict[str, Rows] = {table: {} for table in TABLES}
        self.keys: dict[str, KeyRecord] = {}
        self._claims: dict[str, KeyRecord] = {}

    def taken(self, key: str) -> KeyRecord | None:
        """What the key was used for, as far as it is remembered."""
        return self._claims.get(key) or self.keys.get(key)

    def advance(self, head: Head, rows: dict[str, Rows], claims: dict[str, KeyRecord]) -> None:
        """Take over what a batch will leave behind; the newest entries come last."""
        if head != self.head:
            self.passed.append(self.head)
            self.head = head
        for table, changed in rows.items():
            _renew(self.rows[table], changed)
        self._claims = claims

    def settle(self) -> None:
        """The batch that the state has advanced by is durable: its keys are taken for good."""
        _renew(self.keys, self._claims)
        self._claims = {}

    def outdate(self) -> None:
        """Drop what a moved head makes doubtful: the rows, and the claims of a lost batch.

        Keys that were taken for good stay so.
        """
        self.outdated = True
        self.passed.clear()
        self._claims = {}
        for rows in self.rows.values():
            rows.clear()

    def learn(self, read: "TenantState") -> bool:
        """Add what `read` knows beyond this; false if its head is not one of those here.

        A row that was touched since then is held, as nothing is trimmed during a read; any
        other is still the same. False as well if the tenant itself is not as it was: what was
        read is what commands need of the tenant that it was, not of a suspended one, say.
        """
        if self.outdated:
            if read.tenant != self.tenant:
                return False
            self.head, self.outdated = read.head, False
        if read.head != self.head and read.head not in self.passed:
            return False
        for table, rows in read.rows.items():
            _add(self.rows[table], rows)
        _add(self.keys, read.keys)
        return True

    def trim(self, rows: int, users: int) -> bool:
        """Forget the oldest entries of each table once there are well more than `rows`.

        Or than `users`, in a table with a row a user. Not (false) while a batch is under way:
        what it has touched must not be read as it was before.
        """
        if self._claims:
            return False
        for held, limit in self._all(rows, users):
            # In bulk: a few at a time would cost every batch.
            if len(held) > limit * _SLACK:
                for key in list(islice(held, len(held) - limit)):
                    del held[key]
        return True

    def _all(self, rows: int, users: int) -> Iterator[tuple[dict[str, Any], int]]:
        for table, held in self.rows.items():
            yield held, users if table in _OF_USERS else rows
        yield self.keys, rows


def _add(held: dict[str, RowT], read: dict[str, RowT]) -> None:
    for key, row in read.items():
        held.setdefault(key, row)


def _renew(held: dict[str, RowT], changed: dict[str, RowT]) -> None:
    for key, row in changed.items():
        held.pop(key, None)
        held[key] = row
