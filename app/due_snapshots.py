"""The snapshots that a tenant's log calls for, beside those that are stored."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from msgspec import Struct, ValidationError
from msgspec.json import Decoder

from app.exact_json import ENCODER
from app.fault import Fault
from app.query import Query
from projections import snapshots
from projections.change import Change
from projections.snapshots import Snapshot

if TYPE_CHECKING:
    from app.event_log import Connection
    from app.tenant_state import Rows

Place: TypeAlias = tuple[str, str, int]
"""Projection, key and position of a snapshot."""

_DECODERS: Final = {
    projection.table.name: Decoder(projection.row_type) for projection in snapshots.PROJECTIONS
}
_STORED: Final = Query(snapshots.stored())
_PUT: Final = Query(snapshots.put())
_REMOVE: Final = Query(snapshots.remove())


class DueSnapshots:
    """Collects what a fold of the log calls for, one snapshot for a thousand events.

    A log from before there were snapshots lacks some: reads of the past then fold from further
    back, and nothing is wrong with that.
    """

    def __init__(self, tenant_id: int) -> None:
        self._tenant_id: Final = tenant_id
        self._due: Final[dict[Place, Struct | None]] = {}

    def take(self, changed: Change, rows: "Mapping[str, Rows]") -> None:
        """Keep what is due after `changed`, with the rows by table and key after it."""
        for snapshot in snapshots.taken(changed, rows):
            self._due[_place(snapshot)] = snapshot.document

    async def fault(self, connection: "Connection", to: int) -> Fault | None:
        """The first stored snapshot up to a position that is not what the log makes of it."""
        stored = await self._stored(connection, to)
        wrong = (place for place in stored if not self._holds(place, stored))
        return next((self._fault(place, stored[place]) for place in wrong), None)

    async def put(self, connection: "Connection", to: int) -> int:
        """Make what is stored up to a position what is due; returns how many were set or went.

        Nobody else writes a snapshot of a position that is in the log already.
        """
        async with connection.transaction():
            stored = await self._stored(connection, to)
            stray = [place for place in stored if place not in self._due]
            lacking = [place for place in self._due if not self._holds(place, stored)]
            await self._execute(connection, _REMOVE, stray)
            documents = [ENCODER.encode(self._due[place]).decode() for place in lacking]
            await self._execute(connection, _PUT, lacking, documents=documents)
        return len(stray) + len(lacking)

    async def _stored(self, connection: "Connection", to: int) -> dict[Place, str]:
        rows = await connection.fetch(
            _STORED.text, *_STORED.arguments(tenant_id=self._tenant_id, to=to)
        )
        return {(row["projection"], row["key"], row["position"]): row["document"] for row in rows}

    def _holds(self, place: Place, stored: Mapping[Place, str]) -> bool:
        """Whether what is due at a place is stored there."""
        if place not in self._due or place not in stored:
            return False
        return _decoded(place, stored[place]) == self._due[place]

    def _fault(self, place: Place, found: str) -> Fault:
        _, key, position = place
        due = place in self._due
        return Fault(
            tenant_id=self._tenant_id,
            table=snapshots.snapshots.name,
            column="document" if due else "the row",
            position=position,
            key=key,
            expected=ENCODER.encode(self._due[place]).decode() if due else None,
            found=found if due else "there",
        )

    async def _execute(
        self, connection: "Connection", query: Query, places: Sequence[Place], **values: object
    ) -> None:
        if places:
            names = ("projections", "keys", "positions")
            arrays = dict(zip(names, map(list, zip(*places, strict=True)), strict=True))
            given = query.arguments(tenant_id=self._tenant_id, **arrays, **values)
            await connection.execute(query.text, *given)


def _place(snapshot: Snapshot) -> Place:
    return (snapshot.projection, snapshot.key, snapshot.position)


def _decoded(place: Place, document: str) -> Struct | None:
    """The row in a stored document; None for one that is none."""
    try:
        return cast("Struct", _DECODERS[place[0]].decode(document))
    except (KeyError, ValidationError):
        return None
