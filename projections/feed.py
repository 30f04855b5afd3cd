"""A tenant's log for those who follow it: each event as one line of JSON that PostgreSQL writes."""

from typing import Any, Final, get_args

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Double,
    Select,
    Subquery,
    Text,
    cast,
    func,
    literal_column,
    select,
)

from domain.events import Stream
from projections.events import EVENT_COLUMNS, log

_UTC: Final[ColumnElement[Any]] = literal_column("'UTC'")
_MICROSECONDS: Final[ColumnElement[Any]] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""")
_MILLISECONDS: Final[ColumnElement[Any]] = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'""")


def as_events() -> Select[*tuple[Any, ...]]:
    """The `position` and the `event` as GET /events shows it, after a position, oldest first.

    Parameters `tenant_id`, `after`, `limit`. One statement, so one snapshot: a commit holds the
    tenant's head from before it writes its events until others can see them, so no snapshot
    shows a position without those below it.
    """
    rows = _log()
    shown: dict[str, ColumnElement[Any]] = {
        "hash": func.encode(rows.c.hash, literal_column("'hex'")),
        "created_at": func.to_char(func.timezone(_UTC, rows.c.created_at), _MICROSECONDS),
    }
    return _lines(*(shown.get(name, rows.c[name]).label(name) for name in EVENT_COLUMNS))


def as_cloudevents() -> Select[*tuple[Any, ...]]:
    """The `position` and the `event` as a CloudEvent (version 1.0), as `as_events` otherwise.

    Numbers of 64 bits are strings: an integer of CloudEvents has 32.
    """
    row = _log().c
    moment = func.timezone(
        _UTC, func.to_timestamp(cast(row.timestamp, Double) / literal_column("1000"))
    )
    members: dict[str, ColumnElement[Any]] = {
        "specversion": literal_column("'1.0'"),
        "id": row.id,
        "source": func.concat(literal_column("'/tenants/'"), row.tenant_id),
        "type": row.event_name,
        "subject": row.aggregate_id,
        "time": func.to_char(moment, _MILLISECONDS),
        "datacontenttype": literal_column("'application/json'"),
        "tenantid": cast(row.tenant_id, Text),
        "position": cast(row.position, Text),
        "version": cast(row.version, Text),
        "idempotencykey": row.idempotency_key,
        "hash": func.encode(row.hash, literal_column("'hex'")),
        "data": row.event_data,
    }
    return _lines(*(member.label(name) for name, member in members.items()))


def _log() -> Subquery:
    return log(get_args(Stream), period=False).subquery("log")


def _lines(*columns: ColumnElement[Any]) -> Select[*tuple[Any, ...]]:
    event = select(*columns).subquery("event")
    position = cast(event.c.position, BigInteger).label("position")
    line = cast(func.row_to_json(literal_column("event", JSON)), Text)
    return select(position, line.label("event")).select_from(event).order_by(position)
