"""The proof that the log in an exported file is whole, by the file alone."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import MsgspecError, Struct

from app.audit import Audit
from app.avro_events import decode
from app.complaint import Complaint
from app.event_log import Logged
from app.fault import Fault, FaultFound

# What fastavro raises for a file that is no container, ends early or was damaged.
_UNREADABLE: Final = (ValueError, LookupError, EOFError, OverflowError, zlib.error, MsgspecError)


class Unreadable(Complaint):
    """The file is no export or is damaged; the message says after which event."""


class VerifiedFile(Struct, frozen=True):
    """What was found of one tenant: the first position in the file and the last that is right.

    `first` above 1 says that the file begins in the middle of the log: the first event is then
    taken as it is, as what it follows on is not in the file.
    """

    tenant_id: int
    first: int
    last: int
    fault: Fault | None


class _Log:
    """One tenant's events in the file, and the version that each aggregate has reached."""

    def __init__(self, first: Logged) -> None:
        recorded = first.recorded
        self.first: Final = recorded.position
        self.fault: Fault | None = None
        self._audit: Final = Audit(
            recorded.tenant_id,
            after=self.first - 1,
            previous=b"" if self.first == 1 else None,
        )
        self._versions: Final[dict[str, int]] = {}

    @property
    def verified(self) -> VerifiedFile:
        """What has been found so far."""
        return VerifiedFile(self._audit.tenant_id, self.first, self._audit.position, self.fault)

    def take(self, logged: Logged) -> None:
        """Check the next event; after a fault nothing more can be said."""
        recorded = logged.recorded
        unknown = 0 if self.first == 1 else recorded.version - 1
        before = self._versions.get(recorded.aggregate_id, unknown)
        if self.fault is None:
            try:
                self._audit.take(logged)
                self._audit.take_version(logged, before)
            except FaultFound as found:
                self.fault = found.fault
        self._versions[recorded.aggregate_id] = recorded.version


def verify_file(path: Path) -> list[VerifiedFile]:
    """Check the events of each tenant in an exported file: everything but the views.

    Positions, versions and times are dense and in order, and the chain of hashes is computed
    anew. Keeps a number for each aggregate in memory. Raises `Unreadable`.
    """
    logs: dict[int, _Log] = {}
    for logged in _events(path):
        tenant_id = logged.recorded.tenant_id
        if tenant_id not in logs:
            logs[tenant_id] = _Log(logged)
        logs[tenant_id].take(logged)
    return [log.verified for log in logs.values()]


def _events(path: Path) -> Iterator[Logged]:
    number = 0
    try:
        with path.open("rb") as file:
            for number, logged in enumerate(decode(file), start=1):  # noqa: B007 -- for the message
                yield logged
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error
    except _UNREADABLE as error:
        raise Unreadable(f"{path} cannot be read after its event {number}: {error}.") from error
