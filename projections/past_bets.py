"""A user's bets as they were at a position of the log."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    bindparam,
    func,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.expression import CTE

from domain.bet import BetCancelled, BetConfirmed, BetEvent, BetPlaced, BetSettled, BetStatus
from domain.events import EVENT_TYPE
from projections.bets import bets_view, total
from projections.events import bet_events
from projections.tables import ONE, of_tenant
from projections.user_activity import user_activity_view

LEADS_TO: Final[dict[BetStatus, type[BetEvent]]] = {
    "placed": BetPlaced,
    "confirmed": BetConfirmed,
    "settled": BetSettled,
    "cancelled": BetCancelled,
}
"""The event after which a bet is in a status."""

_AT: Final = bindparam("at", type_=BigInteger)
_BEFORE: Final = bindparam("before", type_=BigInteger)
_LIMIT: Final = bindparam("limit", type_=Integer)


def of_user(status: BetStatus | None) -> Select[*tuple[Any, ...]]:
    """The ids of a page of bets as they were, newest change first, with the total of then.

    A bet that has not changed since is found in the view by its position of then; what the
    others were is looked up in their events. So it takes as long as the user has bets that
    changed since, whatever happened before. No row at all when nothing is known of the user.

    Parameters `tenant_id`, `user_id`, `at` and `before` (positions), `limit`.
    """
    moved = _moved()
    page = (
        union_all(select(*_unchanged(status).subquery().c), _existing(moved, status))
        .subquery("both")
        .select()
    )
    both = page.selected_columns
    latest = page.order_by(both.position.desc()).limit(_LIMIT).subquery("page")
    ids = func.array_agg(aggregate_order_by(latest.c.bet_id, latest.c.position.desc()))
    return select(
        (total(status) + _gained(moved, status)).label("total"),
        select(ids).scalar_subquery().label("bet_ids"),
    ).where(
        of_tenant(user_activity_view.c.tenant_id),
        user_activity_view.c.user_id == bindparam("user_id"),
    )


def _unchanged(status: BetStatus | None) -> Select[*tuple[Any, ...]]:
    position = bets_view.c.last_position
    rows = select(bets_view.c.bet_id, position.label("position")).where(
        *_of_user(), position <= _AT, position < _BEFORE
    )
    if status:
        rows = rows.where(bets_view.c.status == status)
    return rows.order_by(position.desc()).limit(_LIMIT)


def _moved() -> CTE:
    """The bets that changed since: `status` now, and the last event of then, if there was one."""
    event = bet_events.c
    then = (
        select(event.position, event.event_type)
        .where(
            of_tenant(event.tenant_id),
            event.aggregate_id == bets_view.c.bet_id,
            event.position <= _AT,
        )
        .order_by(event.version.desc())
        .limit(ONE)
        .lateral("then")
    )
    return (
        select(bets_view.c.bet_id, bets_view.c.status, then.c.position, then.c.event_type)
        .join_from(bets_view, then, true(), isouter=True)
        .where(*_of_user(), bets_view.c.last_position > _AT)
        .cte("moved")
    )


def _existing(moved: CTE, status: BetStatus | None) -> Select[*tuple[Any, ...]]:
    rows = select(moved.c.bet_id, moved.c.position).where(moved.c.position < _BEFORE)
    return rows.where(_was(moved, status)) if status else rows


def _gained(moved: CTE, status: BetStatus | None) -> ColumnElement[int]:
    """How many bets more than now counted then; mostly less than none."""
    then, now = func.count(moved.c.position), func.count()
    if status:
        counted = then.filter(_was(moved, status)) - now.filter(moved.c.status == status)
    else:
        counted = then - now
    return select(counted).select_from(moved).scalar_subquery()


def _was(moved: CTE, status: BetStatus) -> ColumnElement[bool]:
    return moved.c.event_type == EVENT_TYPE[LEADS_TO[status]]


def _of_user() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return of_tenant(bets_view.c.tenant_id), bets_view.c.user_id == bindparam("user_id")
