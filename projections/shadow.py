"""The shadow of a projection: a table of one session that holds what the log makes of it."""

from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Delete,
    Integer,
    MetaData,
    Select,
    Subquery,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal_column,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, array, insert
from sqlalchemy.sql.dml import Update

from projections.change import TENANT_KEY, Projection
from projections.tables import of_tenant

PREFIX: Final = "shadow_"

_KEYS: Final = bindparam("keys", type_=ARRAY(Text))


class Compared(NamedTuple):
    """The rows of a shadow beside those of its table, of one tenant."""

    made: Subquery
    found: Subquery
    key: ColumnElement[str]
    differ: ColumnElement[bool]


def shadow_of(projection: Projection[Any, Any]) -> Table:
    """The shadow's table: the columns of the projection's own, and its key."""
    columns = [
        Column(name, column.type, primary_key=column.primary_key, autoincrement=False)
        for name, column in projection.table.c.items()
        if column.primary_key or name in projection.row_type.__struct_fields__
    ]
    return Table(PREFIX + projection.table.name, MetaData(), *columns, prefixes=["TEMPORARY"])


def key_of(projection: Projection[Any, Any], rows: Table | Subquery) -> ColumnElement[str]:
    """The key of `rows`, which are the projection's, as text."""
    if projection.key_column is None:
        return literal_column(f"'{TENANT_KEY}'", Text)
    key: ColumnElement[Any] = rows.c[projection.key_column]
    return key if isinstance(key.type, Text) else cast(key, Text)


def put(shadow: Table) -> Insert:
    """Insert rows into the shadow or replace them; parameter `rows`, a JSON array of objects."""
    sent = func.json_populate_recordset(
        literal_column(f"NULL::{shadow.name}"), cast(bindparam("rows", type_=Text), JSON)
    ).table_valued(*(Column(column.name, column.type) for column in shadow.c))
    return _upsert(shadow, select(*sent.c))


def by_keys(projection: Projection[Any, Any], shadow: Table) -> Select[*tuple[Any, ...]]:
    """The shadow's rows as JSON documents; parameters `tenant_id`, `keys`."""
    document = cast(func.row_to_json(shadow.table_valued()), Text)
    return select(document).where(
        of_tenant(shadow.c.tenant_id), key_of(projection, shadow) == any_(_KEYS)
    )


def differing_keys(projection: Projection[Any, Any], shadow: Table) -> Select[*tuple[Any, ...]]:
    """The keys of the rows that are not as the shadow has them; parameter `tenant_id`."""
    compared = _compared(projection, shadow)
    return (
        select(compared.key)
        .join_from(compared.made, compared.found, _same_key(projection, compared), full=True)
        .where(compared.differ)
    )


def differences(projection: Projection[Any, Any], shadow: Table) -> Select[*tuple[Any, ...]]:
    """The columns that are not as the shadow has them, first those of the earliest events.

    Columns `position` (of the row's last event), `key`, `column_name`, `made`, `found` (texts),
    `is_made`, `is_found` (whether there is such a row); parameters `tenant_id`, `limit`.
    """
    compared = _compared(projection, shadow)
    made, found = compared.made, compared.found
    names = [column.name for column in shadow.c if column.name != "tenant_id"]
    columns = (
        func.unnest(
            array([literal_column(f"'{name}'", Text) for name in names]),
            array([cast(made.c[name], Text) for name in names]),
            array([cast(found.c[name], Text) for name in names]),
        )
        .table_valued("column_name", "made", "found", with_ordinality="number")
        .render_derived(name="compared")
        .lateral()
    )
    position = func.coalesce(made.c.last_position, found.c.last_position)
    return (
        select(
            position.label("position"),
            compared.key.label("key"),
            columns.c.column_name,
            columns.c.made,
            columns.c.found,
            cast(made.c.tenant_id.is_not(None), Boolean).label("is_made"),
            cast(found.c.tenant_id.is_not(None), Boolean).label("is_found"),
        )
        .join_from(made, found, _same_key(projection, compared), full=True)
        .join(columns, columns.c.made.is_distinct_from(columns.c.found))
        .where(compared.differ)
        .order_by(position, compared.key, columns.c.number)
        .limit(bindparam("limit", type_=Integer))
    )


def remove_unmade(projection: Projection[Any, Any], shadow: Table) -> Delete:
    """Delete rows of the table that the shadow does not have; parameters `tenant_id`, `keys`."""
    table = projection.table
    same = [shadow.c[column.name] == column for column in table.primary_key]
    return delete(table).where(
        of_tenant(table.c.tenant_id),
        key_of(projection, table) == any_(_KEYS),
        ~exists().where(*same),
    )


def free_keys(projection: Projection[Any, Any], shadow: Table) -> Update | None:
    """Take idempotency keys from rows that have them wrongly, as no two rows may have one.

    Parameters `tenant_id`, `keys` (of the rows that need theirs). None for a table without.
    """
    table = projection.table
    if "idempotency_key" not in table.c:
        return None
    own = key_of(projection, shadow)
    return (
        update(table)
        .values(idempotency_key=null())
        .where(
            of_tenant(table.c.tenant_id),
            shadow.c.tenant_id == table.c.tenant_id,
            shadow.c.idempotency_key == table.c.idempotency_key,
            own == any_(_KEYS),
            own != key_of(projection, table),
        )
    )


def replace(projection: Projection[Any, Any], shadow: Table) -> Insert:
    """Set rows of the table as the shadow has them; parameters `tenant_id`, `keys`."""
    rows = select(*shadow.c).where(
        of_tenant(shadow.c.tenant_id), key_of(projection, shadow) == any_(_KEYS)
    )
    return _upsert(projection.table, rows)


def _compared(projection: Projection[Any, Any], shadow: Table) -> Compared:
    table = projection.table
    names = [column.name for column in shadow.c]
    made = select(*shadow.c).where(of_tenant(shadow.c.tenant_id)).subquery("made")
    found = (
        select(*(table.c[name] for name in names))
        .where(of_tenant(table.c.tenant_id))
        .subquery("found")
    )
    return Compared(
        made=made,
        found=found,
        key=func.coalesce(key_of(projection, made), key_of(projection, found)),
        differ=tuple_(*made.c).is_distinct_from(tuple_(*found.c)),
    )


def _same_key(projection: Projection[Any, Any], compared: Compared) -> ColumnElement[bool]:
    made, found = compared.made, compared.found
    names = [column.name for column in projection.table.primary_key]
    return and_(*(made.c[name] == found.c[name] for name in names))


def _upsert(table: Table, rows: Select[*tuple[Any, ...]]) -> Insert:
    names = [column.name for column in rows.selected_columns]
    key = [column.name for column in table.primary_key]
    new = insert(table).from_select(names, rows)
    return new.on_conflict_do_update(
        index_elements=key,
        set_={name: new.excluded[name] for name in names if name not in key},
    )
