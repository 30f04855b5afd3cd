"""`wrong_rows`: which rows of the views are to be set anew, as a table of one session."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    Column,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.dml import ReturningDelete

wrong_rows: Final = Table(
    "wrong_rows",
    MetaData(),
    Column("table_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    prefixes=["TEMPORARY"],
)


def add(table: Table, keys: Select[*tuple[Any, ...]]) -> Insert:
    """Add the rows of `table` whose keys the query gives; parameters are the query's."""
    found = keys.subquery("found_keys")
    named = select(literal_column(f"'{table.name}'", Text), *found.c)
    return insert(wrong_rows).from_select(["table_name", "key"], named).on_conflict_do_nothing()


def add_touched() -> Insert:
    """Add the rows that events have touched whose own aggregate's row is a wrong one.

    Parameters `table_names`, `keys`, `own_tables`, `own_keys`: four arrays of one length.
    """
    touched = (
        func.unnest(
            *(bindparam(name, type_=ARRAY(Text)) for name in ("table_names", "keys")),
            *(bindparam(name, type_=ARRAY(Text)) for name in ("own_tables", "own_keys")),
        )
        .table_valued("table_name", "key", "own_table", "own_key")
        .render_derived(name="touched")
    )
    is_own = and_(
        wrong_rows.c.table_name == touched.c.own_table, wrong_rows.c.key == touched.c.own_key
    )
    spoilt = select(touched.c.table_name, touched.c.key).join_from(touched, wrong_rows, is_own)
    return (
        insert(wrong_rows)
        .from_select(["table_name", "key"], spoilt.distinct())
        .on_conflict_do_nothing()
    )


def take() -> ReturningDelete[str]:
    """Take at most `limit` rows of `table_name` off; returns their keys."""
    of_table = wrong_rows.c.table_name == bindparam("table_name", type_=Text)
    first = select(wrong_rows.c.key).where(of_table).limit(bindparam("limit", type_=Integer))
    return (
        delete(wrong_rows).where(of_table, wrong_rows.c.key.in_(first)).returning(wrong_rows.c.key)
    )


def counts() -> Select[*tuple[Any, ...]]:
    """How many rows of each table there are, `table_name` and `number`."""
    return select(wrong_rows.c.table_name, func.count().label("number")).group_by(
        wrong_rows.c.table_name
    )
