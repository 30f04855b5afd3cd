"""The proof that the log in an exported file is whole, by the file alone."""

from pathlib import Path

from msgspec import Struct

from app.audit import Audit
from app.event_log import Logged
from app.export_file import ExportReader
from app.fault import Fault, FaultFound


class VerifiedFile(Struct, frozen=True):
    """What was found of a tenant: the first position in the file and the last that is right.

    `first` above 1 says that the file begins in the middle of the log: the first event is then
    taken as it is, as what it follows on is not in the file.
    """

    tenant_id: int
    first: int
    last: int
    fault: Fault | None


class _Versions:
    """The version that each aggregate has reached, a number for each in memory."""

    def __init__(self, *, from_start: bool) -> None:
        self._from_start = from_start
        self._reached: dict[str, int] = {}

    def before(self, logged: Logged) -> int:
        """The version before an event, taken from itself where the file does not say it."""
        recorded = logged.recorded
        unknown = 0 if self._from_start else recorded.version - 1
        before = self._reached.get(recorded.aggregate_id, unknown)
        self._reached[recorded.aggregate_id] = recorded.version
        return before


def verify_file(path: Path) -> VerifiedFile:
    """Check the events in an exported file: everything but the views.

    Positions, versions and times are dense and in order up to the end that the file names, and
    the chain of hashes is computed anew. Raises `Unreadable`.
    """
    with path.open("rb") as file:
        reader = ExportReader(file)
        heading = reader.heading
        from_start = heading.after == 0
        previous = b"" if from_start else None
        audit = Audit(heading.tenant.id, after=heading.after, previous=previous)
        versions = _Versions(from_start=from_start)
        fault: Fault | None = None
        try:
            for chunk in reader.chunks():
                for logged in chunk:
                    audit.take(logged)
                    audit.take_version(logged, versions.before(logged))
        except FaultFound as found:
            fault = found.fault
    return VerifiedFile(heading.tenant.id, heading.after + 1, audit.position, fault)
