"""Bets: place, confirm, settle, cancel, read."""

from typing import Final

from litestar import Controller, Response
from litestar.params import JSONBody

from app import answers, openapi
from app.answers import RepeatedBet
from app.handlers import get, post
from app.paths import PathId
from app.problems import (
    BET_NOT_FOUND,
    ILLEGAL_TRANSITION,
    INSUFFICIENT_FUNDS,
    LIMIT_EXCEEDED,
    PRECONDITION_FAILED,
    UNSUPPORTED_MEDIA_TYPE,
    problem,
)
from app.service import LedgerRequest
from domain.bet import Bet, CancelBet, ConfirmBet, PlaceBet, SettleBet
from projections import bets

_OF_TRANSITIONS: Final = (
    *openapi.OF_COMMANDS,
    BET_NOT_FOUND,
    ILLEGAL_TRANSITION,
    PRECONDITION_FAILED,
)
_REPEATED: Final = openapi.answered(RepeatedBet, "The bet that the first request placed.")


class BetController(Controller):
    """Commands on bets, and the bet itself."""

    path = "/bets"
    tags = ("Bets",)

    @post(
        scope="bets:write",
        operation_id="placeBet",
        summary="Place a bet",
        operation_class=openapi.Creation,
        responses={
            200: _REPEATED,
            **openapi.problems(*openapi.OF_COMMANDS, UNSUPPORTED_MEDIA_TYPE, INSUFFICIENT_FUNDS),
        },
    )
    async def place(self, request: LedgerRequest, data: JSONBody[PlaceBet]) -> Response[Bet]:
        """Stake an amount on a fixture; with an internal wallet the balance has to cover it."""
        return answers.of_bet(await request.submit(data, "bet"))

    @post(
        "/{bet_id:str}/confirm",
        status_code=200,
        scope="bets:write",
        operation_id="confirmBet",
        summary="Confirm a placed bet",
        operation_class=openapi.Transition,
        responses=openapi.problems(*_OF_TRANSITIONS),
    )
    async def confirm(self, request: LedgerRequest, bet_id: PathId) -> Response[Bet | RepeatedBet]:
        """Accept a placed bet."""
        return answers.of_bet(await request.submit(ConfirmBet(), "bet", bet_id))

    @post(
        "/{bet_id:str}/settle",
        status_code=200,
        scope="bets:write",
        operation_id="settleBet",
        summary="Settle a bet",
        operation_class=openapi.Transition,
        responses=openapi.problems(*_OF_TRANSITIONS, UNSUPPORTED_MEDIA_TYPE, LIMIT_EXCEEDED),
    )
    async def settle(
        self, request: LedgerRequest, bet_id: PathId, data: JSONBody[SettleBet]
    ) -> Response[Bet | RepeatedBet]:
        """Decide a bet: a win pays `payout`, or stake times odds; a loss pays nothing."""
        return answers.of_bet(await request.submit(data, "bet", bet_id))

    @post(
        "/{bet_id:str}/cancel",
        status_code=200,
        scope="bets:write",
        operation_id="cancelBet",
        summary="Cancel a bet",
        operation_class=openapi.Transition,
        responses=openapi.problems(*_OF_TRANSITIONS, UNSUPPORTED_MEDIA_TYPE, LIMIT_EXCEEDED),
    )
    async def cancel(
        self,
        request: LedgerRequest,
        bet_id: PathId,
        data: JSONBody[CancelBet | None] = None,
    ) -> Response[Bet | RepeatedBet]:
        """Call a bet off before it is settled; the body with a `reason` may be left out."""
        return answers.of_bet(await request.submit(data or CancelBet(), "bet", bet_id))

    @get(
        "/{bet_id:str}",
        scope="bets:read",
        operation_id="getBet",
        summary="Read a bet",
        operation_class=openapi.TaggedRead,
        responses={
            304: openapi.NOT_MODIFIED,
            **openapi.problems(*openapi.OF_PAST_READS, BET_NOT_FOUND),
        },
    )
    async def read(self, request: LedgerRequest, bet_id: PathId) -> Response[Bet]:
        """The state of a bet, now or as it was."""
        as_of = request.as_of
        bet = await request.service.reads.row(bets.projection, request.tenant_id, bet_id, as_of)
        if bet is None:
            detail = f"There {'was' if as_of else 'is'} no bet {bet_id!r}."
            raise problem(BET_NOT_FOUND, detail, bet_id=bet_id)
        return answers.tagged(bet, request.scope["headers"])
