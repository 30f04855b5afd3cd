"""The projections as a whole: which tables there are, what touches them, what they hold."""

from typing import Any

import pytest
from sqlalchemy import Numeric, Table

from domain.events import STREAM_EVENTS
from projections import EVENT_TABLES, PROJECTIONS, metadata
from projections.change import BalanceChange, BetChange, PaymentChange, Projection

KEYS = {
    "bets_view": ["tenant_id", "bet_id"],
    "payments_view": ["tenant_id", "payment_id"],
    "user_balances_view": ["tenant_id", "user_id"],
    "tenants_summary_view": ["tenant_id"],
    "user_activity_view": ["tenant_id", "user_id"],
}
TOUCHED_BY = {
    "bets_view": (BetChange,),
    "payments_view": (PaymentChange,),
    "user_balances_view": (BalanceChange,),
    "tenants_summary_view": (BetChange, PaymentChange, BalanceChange),
    "user_activity_view": (BetChange, PaymentChange, BalanceChange),
}
each_projection = pytest.mark.parametrize(
    "projection", PROJECTIONS, ids=[projection.table.name for projection in PROJECTIONS]
)


def test_each_stream_has_its_event_table() -> None:
    assert {stream: table.name for stream, table in EVENT_TABLES.items()} == {
        stream: f"{stream}_events" for stream in STREAM_EVENTS
    }


def test_there_are_five_projections_and_none_writes_an_event_table() -> None:
    tables = [projection.table for projection in PROJECTIONS]
    assert [table.name for table in tables] == list(KEYS)
    assert not set(tables) & set(EVENT_TABLES.values())


@each_projection
def test_a_projection_has_its_key_and_the_changes_that_touch_it(
    projection: Projection[Any, Any],
) -> None:
    table = projection.table
    assert [column.name for column in table.primary_key] == KEYS[table.name]
    assert projection.changes == TOUCHED_BY[table.name]


@each_projection
def test_every_field_of_a_row_has_its_column(projection: Projection[Any, Any]) -> None:
    columns = {column.name for column in projection.table.c}
    assert columns == {"tenant_id", *projection.row_type.__struct_fields__}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_a_table_of_tenants_data_has_the_tenant_first_in_its_key(table: Table) -> None:
    first, *_ = table.primary_key
    assert first.name == ("id" if table.name == "tenants" else "tenant_id")


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_no_column_holds_a_float(table: Table) -> None:
    numbers = [column.type for column in table.c if isinstance(column.type, Numeric)]
    assert all(number.asdecimal and number.scale == 4 for number in numbers)
