"""Statements that name their tenants: row-level security shows a transaction no others.

Every table of a tenant's has a policy (revision 0005) that compares with `SETTING`, which ends
with the transaction. Naming the tenants within the statement that needs them costs no round trip.
"""

from typing import Any, Final, TypeAlias

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Subquery,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql.selectable import LateralFromClause

SETTING: Final = "stakebook.tenants"
EVERY_TENANT: Final = "stakebook.every_tenant"
"""Set to `yes` it shows the whole list of tenants, the table `tenants`, and nothing else."""

SERVICE_ROLE: Final = "stakebook_service"
OPERATOR_ROLE: Final = "stakebook_operator"

_NOTHING_SKIPPED: Final = literal_column("0", Integer)

Rows: TypeAlias = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]


def of_one() -> ColumnElement[str]:
    """The tenant in the parameter `tenant_id`, as the setting has it."""
    return cast(array([bindparam("tenant_id", type_=BigInteger)]), Text)


def of_many(parameter: str) -> ColumnElement[str]:
    """The tenants in a parameter that is an array, as the setting has them."""
    return cast(bindparam(parameter, type_=ARRAY(BigInteger)), Text)


def naming(tenants: ColumnElement[str]) -> Subquery:
    """One row, whose making names `tenants` for the rest of the transaction."""
    named = select(func.set_config(SETTING, tenants, true()).label("tenants"))
    return named.offset(_NOTHING_SKIPPED).subquery("naming")


def behind(naming: Subquery, rows: Rows, name: str) -> LateralFromClause:
    """`rows`, read only once `naming` has been made.

    What refers to a row of another part of FROM is read after it, and OFFSET keeps PostgreSQL
    from taking the two apart. Should a plan ever turn this round, there would be no rows.
    """
    found = rows.subquery("found")
    gated = select(*found.c).where(naming.c.tenants.is_not(None)).offset(_NOTHING_SKIPPED)
    return gated.lateral(name)


def named(rows: Rows, tenants: ColumnElement[str] | None = None) -> Select[*tuple[Any, ...]]:
    """The query `rows` on the tenants that it names, in its order; else the one in `tenant_id`."""
    naming_them = naming(of_one() if tenants is None else tenants)
    read = behind(naming_them, rows, "read")
    return select(*read.c).join_from(naming_them, read, true())
