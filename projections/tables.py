"""The metadata that every table of the service is registered in, and what the tables share."""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    bindparam,
    literal_column,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql.elements import ColumnElement

from domain import money

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

MONEY: Final = Numeric(20, money.DECIMALS)
# Sums over a tenant outgrow one amount; 38 digits outlast every operator.
TOTAL: Final = Numeric(38, money.DECIMALS)
# A limit that the planner knows; for a parameter it guesses a tenth of all rows.
ONE: Final = literal_column("1", Integer)
INSTANT: Final = TIMESTAMP(timezone=True, precision=3)


def tenant_id() -> Column[int]:
    """The first key column of every table: no row is without a tenant."""
    return Column("tenant_id", BigInteger, primary_key=True, autoincrement=False)


def key(name: str) -> Column[str]:
    """A text column of the primary key."""
    return Column(name, Text, primary_key=True)


def row_columns(table: Table, row_type: type[Struct]) -> list[Column[Any]]:
    """The columns that hold a row's fields, in the order of the fields."""
    return [table.c[name] for name in row_type.__struct_fields__]


def of_tenant(column: Column[int]) -> ColumnElement[bool]:
    """The predicate that binds a query to the tenant in the parameter `tenant_id`."""
    return column == bindparam("tenant_id", type_=BigInteger)
