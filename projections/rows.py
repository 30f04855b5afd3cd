"""The rows of a projection by their keys: one statement for all that are wanted together."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Text,
    any_,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.sql.dml import ReturningDelete

from projections.change import Projection
from projections.row_security import named, of_many
from projections.tables import of_tenant, row_columns


def by_keys(projection: Projection[Any, Any]) -> Select[*tuple[Any, ...]]:
    """The row of each tenant and key that is given, led by its `number` among them, from 1.

    Parameters `tenants` and `keys`, two arrays of one length, and `named`, the tenants once
    each; a table of one row a tenant takes no account of the keys. What is not there is missing.
    """
    table = projection.table
    wanted = (
        func.unnest(
            bindparam("tenants", type_=ARRAY(BigInteger)), bindparam("keys", type_=ARRAY(Text))
        )
        .table_valued("tenant_id", "key", with_ordinality="number")
        .render_derived(name="wanted")
    )
    is_wanted = table.c.tenant_id == wanted.c.tenant_id
    if projection.key_column:
        is_wanted &= table.c[projection.key_column] == wanted.c.key
    columns = row_columns(table, projection.row_type)
    found = select(wanted.c.number, *columns).join_from(wanted, table, is_wanted)
    return named(found, of_many("named"))


def taken(projection: Projection[Any, Any]) -> ReturningDelete[*tuple[Any, ...]]:
    """Take a tenant's rows with these keys out of the table; returns their fields.

    Parameters `tenant_id` and `keys`, an array; a table of one row a tenant has none of these.
    """
    table = projection.table
    wanted = delete(table).where(of_tenant(table.c.tenant_id))
    if projection.key_column:
        keys = bindparam("keys", type_=ARRAY(Text))
        wanted = wanted.where(table.c[projection.key_column] == any_(keys))
    return wanted.returning(*row_columns(table, projection.row_type))
