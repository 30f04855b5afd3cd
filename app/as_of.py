"""The moment of the past that a read asks about: a position of the log, or a time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import time_ns
from typing import TYPE_CHECKING, Annotated, Final, cast

from msgspec import Meta, Struct, ValidationError, convert

from app import problems
from app.problems import FieldError, Problem, problem
from app.query import Query
from domain.recorded import instant
from projections import moments
from projections.row_security import named

if TYPE_CHECKING:
    from app.event_log import Connection

NAME: Final = "as_of"
LONGEST: Final = 64
_LARGEST: Final = 2**63 - 1
_POSITION: Final = re.compile(r"(?:0|[1-9][0-9]{0,18})")
_BELOW_MILLISECONDS: Final = re.compile(r"(\.[0-9]{3})[0-9]+")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT: Final = Query(named(moments.moment()))
_RULE: Final = (
    "must be a position in digits, or a time with its offset like 2026-11-21T12:00:00Z;"
    " write the + of an offset as %2B"
)


class AsOf(Struct, frozen=True):
    """Either a position of the tenant's log or, `is_time`, milliseconds since 1970."""

    number: int
    is_time: bool


def parse(values: Sequence[str]) -> AsOf | None:
    """The moment in a query's `as_of`; None without one. Raises `Problem`, which names it.

    A time is RFC 3339, cut to the milliseconds that the log knows. There is no guessing: one
    without an offset is refused, also where a + was not encoded and arrives as a space.
    """
    if not values:
        return None
    if len(values) > 1:
        raise problems.of_fields([FieldError("must be given once", NAME)])
    given = values[0]
    if _POSITION.fullmatch(given) and int(given) <= _LARGEST:
        return AsOf(int(given), is_time=False)
    if len(given) > LONGEST:
        raise problems.of_fields([FieldError(_RULE, NAME)])
    try:
        time = convert(_BELOW_MILLISECONDS.sub(r"\1", given), Annotated[datetime, Meta(tz=True)])
    except ValidationError as error:
        raise problems.of_fields([FieldError(_RULE, NAME)]) from error
    return AsOf((time - _EPOCH) // timedelta(milliseconds=1), is_time=True)


async def position_of(as_of: AsOf, connection: "Connection", tenant_id: int) -> int:
    """The position that a tenant's log had reached at that moment. Raises `Problem`.

    Names the tenant for the rest of the transaction.

    For a time it is that of the last event that is not later. The future is refused, and so is
    a time before the tenant; position 0 is before its first event.
    """
    time = as_of.number if as_of.is_time else 0
    query = _MOMENT.arguments(tenant_id=tenant_id, time=time)
    found = await connection.fetchrow(_MOMENT.text, *query)
    if found is None:
        raise problem(problems.TENANT_NOT_FOUND, f"There is no tenant {tenant_id}.")
    if not as_of.is_time:
        if as_of.number > found["head"]:
            raise _unknown(f"is in the future: the log ends at position {found['head']}")
        return as_of.number
    # Where a clock was set back, events still carry the time that it had shown before.
    now = max(time_ns() // 1_000_000, found["last_timestamp"])
    if time > now:
        raise _unknown(f"is in the future: it is {_written(now)}")
    if time < found["since"]:
        raise _unknown(f"is before the tenant, which began at {_written(found['since'])}")
    return cast("int", found["position"])


def _unknown(reason: str) -> Problem:
    error = FieldError(reason, NAME)
    return problem(problems.NO_SUCH_MOMENT, f"{NAME}: {reason}", errors=[error])


def _written(milliseconds: int) -> str:
    return instant(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
