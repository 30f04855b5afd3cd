"""Events: the log itself, for audit."""

from collections.abc import Iterable
from typing import Annotated, Final, TypeAlias, get_args

import asyncpg
from litestar import Controller, Response
from litestar.params import FromQuery, QueryParameter
from msgspec import Raw

from app import openapi
from app.answers import Answer, Event
from app.handlers import get
from app.paths import PathId
from app.query import Query
from app.service import LedgerRequest
from domain.balance import PREFIX
from domain.events import Stream
from projections import events
from projections.row_security import named

MOST_EVENTS: Final = 1000
_LARGEST: Final = 2**63 - 1

Position: TypeAlias = Annotated[
    int, QueryParameter(ge=0, le=_LARGEST, description="Events after this position of the tenant.")
]
Milliseconds: TypeAlias = Annotated[
    int | None,
    QueryParameter(
        ge=0,
        le=_LARGEST,
        description="Milliseconds since 1970, included.",
        schema_extra={"minimum": 0},  # Litestar leaves out a bound of 0
    ),
]
EventLimit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=MOST_EVENTS)]

_OF_AGGREGATE: Final = {
    stream: Query(named(events.of_aggregate(stream))) for stream in get_args(Stream)
}
_STREAMS: Final[dict[Stream | None, tuple[Stream, ...]]] = {
    None: get_args(Stream),
    **{stream: (stream,) for stream in get_args(Stream)},
}
_LOG: Final = {
    (stream, period): Query(named(events.log(streams, period=period)))
    for stream, streams in _STREAMS.items()
    for period in (False, True)
}


class EventController(Controller):
    """The events of one aggregate, and of the tenant's whole log."""

    tags = ("Events",)

    @get(
        "/bets/{bet_id:str}/events",
        scope="audit:read",
        operation_id="getBetEvents",
        summary="List a bet's events",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def of_bet(self, request: LedgerRequest, bet_id: PathId) -> Response[list[Event]]:
        """All events of a bet in version order; none for a bet that is not the tenant's."""
        return await _of_aggregate(request, "bet", bet_id)

    @get(
        "/payments/{payment_id:str}/events",
        scope="audit:read",
        operation_id="getPaymentEvents",
        summary="List a payment's events",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def of_payment(self, request: LedgerRequest, payment_id: PathId) -> Response[list[Event]]:
        """All events of a payment in version order; none for one that is not the tenant's."""
        return await _of_aggregate(request, "payment", payment_id)

    @get(
        "/users/{user_id:str}/balance/events",
        scope="audit:read",
        operation_id="getBalanceEvents",
        summary="List a balance's events",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def of_balance(
        self,
        request: LedgerRequest,
        user_id: PathId,
        after_version: Annotated[int, QueryParameter(ge=0, le=_LARGEST)] = 0,
        limit: EventLimit = MOST_EVENTS,
    ) -> Response[list[Event]]:
        """The events of a user's balance after a version, in version order."""
        return await _of_aggregate(request, "balance", PREFIX + user_id, after_version, limit)

    @get(
        "/events",
        scope="audit:read",
        operation_id="listEvents",
        summary="List the tenant's events",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def log(
        self,
        request: LedgerRequest,
        stream: FromQuery[Stream | None] = None,
        start_time: Milliseconds = None,
        end_time: Milliseconds = None,
        after: Position = 0,
        limit: EventLimit = MOST_EVENTS,
    ) -> Response[list[Event]]:
        """The events of a period, or those after a position, oldest first."""
        period = start_time is not None or end_time is not None
        records = await request.service.reads.many(
            _LOG[stream, period],
            request.tenant_id,
            after=after,
            start_time=start_time or 0,
            end_time=_LARGEST if end_time is None else end_time,
            limit=limit,
        )
        return Answer(_events(records))


async def _of_aggregate(
    request: LedgerRequest,
    stream: Stream,
    aggregate_id: str,
    after_version: int = 0,
    limit: int = MOST_EVENTS,
) -> Response[list[Event]]:
    records = await request.service.reads.many(
        _OF_AGGREGATE[stream],
        request.tenant_id,
        aggregate_id=aggregate_id,
        after_version=after_version,
        to=events.END,
        limit=limit,
    )
    return Answer(_events(records))


def _events(records: Iterable[asyncpg.Record]) -> list[Event]:
    return [_event(record) for record in records]


def _event(record: asyncpg.Record) -> Event:
    values = dict(record)
    # JSON from the database goes out as it is, without being decoded in between.
    for name in ("event_data", "metadata"):
        values[name] = Raw(values[name].encode())
    values["hash"] = values["hash"].hex()
    return Event(**values)
