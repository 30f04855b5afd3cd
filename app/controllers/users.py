"""Users: their bets, payments, balance and activity, and the ranking of all of them."""

from typing import Annotated, Any, Final, NamedTuple, TypeAlias, get_args

from litestar import Controller, Response
from litestar.params import FromQuery, QueryParameter
from msgspec.json import Decoder

from app import openapi
from app.answers import Answer, BetPage, NoBalance, PaymentPage
from app.as_of import AsOf
from app.cursors import Cursors
from app.handlers import get
from app.paths import PathId
from app.problems import INVALID_CURSOR
from app.query import Query
from app.service import LedgerRequest
from domain.balance import Balance
from domain.bet import Bet, BetStatus
from domain.payment import Payment, PaymentStatus
from projections import bets, payments, user_activity, user_balances
from projections.row_security import named
from projections.user_activity import Ranking, UserActivity

Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description="Rows on a page.")]
Cursor: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=512, description="The `next_cursor` of the page before this one."),
]

_BETS: Final = {
    status: Query(named(bets.of_user(status))) for status in (None, *get_args(BetStatus))
}
_PAYMENTS: Final = {
    status: Query(named(payments.of_user(status))) for status in (None, *get_args(PaymentStatus))
}
_BET_PAGES: Final = Decoder(list[Bet])
_PAYMENT_PAGES: Final = Decoder(list[Payment])
_TOP: Final = {by: Query(named(user_activity.top(by))) for by in get_args(Ranking)}


class UserController(Controller):
    """What is known of users."""

    path = "/users"
    tags = ("Users",)

    @get(
        "/{user_id:str}/bets",
        scope="bets:read",
        operation_id="listBets",
        summary="List a user's bets",
        operation_class=openapi.PastRead,
        responses=openapi.problems(*openapi.OF_PAST_READS, INVALID_CURSOR),
    )
    async def list_bets(
        self,
        request: LedgerRequest,
        user_id: PathId,
        status: FromQuery[BetStatus | None] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response[BetPage]:
        """A page of a user's bets, now or as they were, newest change first."""
        if as_of := request.as_of:
            return Answer(await _past_bets(request, as_of, user_id, status, (limit, cursor)))
        bet_list = _List("bets", status, _BETS[status], _BET_PAGES)
        rows, total, following = await _page(request, bet_list, user_id, limit, cursor)
        return Answer(BetPage(bets=rows, total=total, next_cursor=following))

    @get(
        "/{user_id:str}/payments",
        scope="payments:read",
        operation_id="listPayments",
        summary="List a user's payments",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS, INVALID_CURSOR),
    )
    async def list_payments(
        self,
        request: LedgerRequest,
        user_id: PathId,
        status: FromQuery[PaymentStatus | None] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response[PaymentPage]:
        """A page of a user's payments, newest change first."""
        payment_list = _List("payments", status, _PAYMENTS[status], _PAYMENT_PAGES)
        rows, total, following = await _page(request, payment_list, user_id, limit, cursor)
        return Answer(PaymentPage(payments=rows, total=total, next_cursor=following))

    @get(
        "/{user_id:str}/balance",
        scope="payments:read",
        operation_id="getBalance",
        summary="Read a user's balance",
        operation_class=openapi.PastRead,
        responses=openapi.problems(*openapi.OF_PAST_READS),
    )
    async def balance(
        self, request: LedgerRequest, user_id: PathId
    ) -> Response[Balance | NoBalance]:
        """The balance, now or as it was; zero for a user for whom nothing was recorded yet."""
        row = await request.service.reads.row(
            user_balances.projection, request.tenant_id, user_id, request.as_of
        )
        return Answer(row or NoBalance())

    @get(
        "/{user_id:str}/activity",
        scope="reports:read",
        operation_id="getActivity",
        summary="Read a user's activity",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def activity(self, request: LedgerRequest, user_id: PathId) -> Response[UserActivity]:
        """What a user staked, won, lost and moved; zeros for a user unknown so far."""
        row = await request.service.reads.row(user_activity.projection, request.tenant_id, user_id)
        return Answer(row or UserActivity(user_id=user_id))

    @get(
        "/top",
        scope="reports:read",
        operation_id="listTopUsers",
        summary="Rank users",
        operation_class=openapi.TenantOperation,
        responses=openapi.problems(*openapi.OF_READS),
    )
    async def top(
        self, request: LedgerRequest, by: FromQuery[Ranking] = "staked", limit: Limit = 50
    ) -> Response[list[UserActivity]]:
        """The users with most of `by`, the largest first."""
        rows = await request.service.reads.many(_TOP[by], request.tenant_id, limit=limit)
        return Answer([UserActivity(**row) for row in rows])


class _List(NamedTuple):
    """A paged list: its pages, and what a cursor of it is good for."""

    name: str
    status: str | None
    query: Query
    pages: Decoder[list[Any]]


async def _page(
    request: LedgerRequest, of: _List, user_id: str, limit: int, cursor: str | None
) -> tuple[list[Any], int, str | None]:
    """The rows of a page, the total of the list, and the cursor of the next page, if any."""
    service, tenant_id = request.service, request.tenant_id
    scope = (of.name, of.status, tenant_id, user_id)
    before = service.cursors.read(cursor, *scope)
    # One row more than asked for tells whether there is a next page.
    records = await service.reads.many(
        of.query, tenant_id, user_id=user_id, before=before, limit=limit + 1
    )
    if not records:
        return [], 0, None
    rows = of.pages.decode(records[0]["page"])
    following = _cut(rows, limit, service.cursors, scope)
    return rows, records[0]["total"], following


async def _past_bets(
    request: LedgerRequest,
    as_of: AsOf,
    user_id: str,
    status: BetStatus | None,
    page: tuple[int, str | None],
) -> BetPage:
    service, tenant_id = request.service, request.tenant_id
    limit, cursor = page
    async with service.reads.past(tenant_id, as_of) as past:
        scope = ("bets", status, tenant_id, user_id, past.position)
        before = service.cursors.read(cursor, *scope)
        rows, total = await past.bets(user_id, status, before=before, limit=limit + 1)
    following = _cut(rows, limit, service.cursors, scope)
    return BetPage(bets=rows, total=total, next_cursor=following)


def _cut(rows: list[Any], limit: int, cursors: Cursors, scope: tuple[object, ...]) -> str | None:
    """Cut `rows` to the page's `limit`; the cursor of the next page if there were more."""
    more = len(rows) > limit
    del rows[limit:]
    return cursors.write(rows[-1].last_position, *scope) if more else None
