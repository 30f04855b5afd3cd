"""What of an event its hash does not cover: its name, its table, members that nobody reads."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import array

from domain.events import EVENT_NAME, EVENT_TYPE, STREAM_EVENTS, Stream
from domain.recorded import Metadata
from projections.events import EVENT_TABLES
from projections.tables import of_tenant

_NAMES: Final = Metadata.__struct_fields__


def misshapen(stream: Stream) -> Select[*tuple[Any, ...]]:
    """The first event of a stream's table that no command can have written as it is.

    Columns `position`, `column_name` and `found`, the text in that column; parameter `tenant_id`.
    """
    table = EVENT_TABLES[stream]
    members = {EVENT_TYPE[kind]: kind.__struct_fields__ for kind in STREAM_EVENTS[stream]}
    event_type = table.c.event_type
    name = case(*((event_type == kind, _text(EVENT_NAME[kind])) for kind in members))
    beyond = [
        and_(event_type == kind, _has_beyond(table.c.event_data, names))
        for kind, names in members.items()
    ]
    fault = case(
        (event_type.not_in([_text(kind) for kind in members]), _text("event_type")),
        (table.c.event_name != name, _text("event_name")),
        *((condition, _text("event_data")) for condition in beyond),
        (_has_beyond(table.c.metadata, _NAMES), _text("metadata")),
    )
    columns = ("event_type", "event_name", "event_data", "metadata")
    found = case(*((fault == name, cast(table.c[name], Text)) for name in columns))
    return (
        select(table.c.position, fault.label("column_name"), found.label("found"))
        .where(of_tenant(table.c.tenant_id), fault.is_not(None))
        .order_by(table.c.position)
        .limit(1)
    )


def stray() -> Select[*tuple[Any, ...]]:
    """The first position, as `position`, that two events have or that none can have.

    Parameter `tenant_id`. Who reads on after a position does not see them.
    """
    positions = union_all(
        *(
            select(table.c.position).where(of_tenant(table.c.tenant_id))
            for table in EVENT_TABLES.values()
        )
    ).subquery()
    position = positions.c.position
    return (
        select(position)
        .group_by(position)
        .having(or_(func.count() > 1, position < 1))
        .order_by(position)
        .limit(1)
    )


def _has_beyond(document: ColumnElement[Any], names: Iterable[str]) -> ColumnElement[bool]:
    """Whether the document has a member that is none of `names`, or one that is null."""
    known: array[Any] = array([_text(name) for name in names], type_=Text)
    rest = document.op("-", return_type=document.type)(known)
    empty: ColumnElement[Any] = literal_column("'{}'::jsonb")
    return or_(rest != empty, func.jsonb_strip_nulls(document) != document)


def _text(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'", Text)
