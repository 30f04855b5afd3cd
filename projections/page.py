"""A page of a user's rows together with how many there are in all, in one statement."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, Table, bindparam, select, true

from projections.tables import of_tenant
from projections.user_activity import user_activity_view


def total_of(counts: Iterable[ColumnElement[int]]) -> ColumnElement[int]:
    """The sum of counts, as SQL."""
    first, *others = counts
    for count in others:
        first = first + count
    return first


def page_of_user(
    rows: Select[*tuple[Any, ...]], table: Table, total: ColumnElement[int]
) -> Select[*tuple[Any, ...]]:
    """`rows` of `table` below the position `before`, newest change first, led by `total`.

    One row without the table's values when the user has none on this page, no row at all
    when nothing is known of the user. Parameters `tenant_id`, `user_id`, `before`, `limit`.
    """
    page = (
        rows.where(
            of_tenant(table.c.tenant_id),
            table.c.user_id == bindparam("user_id"),
            table.c.last_position < bindparam("before", type_=BigInteger),
        )
        .order_by(table.c.last_position.desc())
        .limit(bindparam("limit", type_=Integer))
        .lateral("page")
    )
    return (
        select(total.label("total"), *page.c)
        .select_from(user_activity_view.outerjoin(page, true()))
        .where(
            of_tenant(user_activity_view.c.tenant_id),
            user_activity_view.c.user_id == bindparam("user_id"),
        )
        .order_by(page.c.last_position.desc())
    )
