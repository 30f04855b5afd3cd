"""The books notice: with one rule of the service broken, the machine fails."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import Phase
from hypothesis.errors import FlakyFailure

from app import fingerprint
from app.draft import Draft
from app.past import Past
from domain import bet, decision
from projections import delta
from tests.model.machine import Stage, run

_OF_BET: Final = delta._of_bet  # pyright: ignore[reportPrivateUsage]  # what is broken
_CLAIM: Final = Draft._claim  # pyright: ignore[reportPrivateUsage]  # as above
_INIT: Final = Past.__init__
_MOVEMENT: Final = decision.movement_of_bet
_PAYOUT: Final = bet._payout  # pyright: ignore[reportPrivateUsage]  # as above


def changed_requests_pass(patch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> list[str]:
        return []

    patch.setattr(fingerprint, "differing", nothing)


def refusals_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    def claim(self: Draft, submission: Any, status: int, problem: Any) -> None:
        if problem is None:
            _CLAIM(self, submission, status, problem)

    patch.setattr(Draft, "_claim", claim)


def versions_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        return None

    patch.setattr(Draft, "_stale", never)


def the_past_is_one_event_ahead(patch: pytest.MonkeyPatch) -> None:
    def init(self: Past, connection: Any, tenant_id: int, position: int) -> None:
        _INIT(self, connection, tenant_id, position + 1)

    patch.setattr(Past, "__init__", init)


def cancelled_stakes_are_kept(patch: pytest.MonkeyPatch) -> None:
    move_no_money(patch, bet.BetCancelled)


def bets_need_no_money(patch: pytest.MonkeyPatch) -> None:
    move_no_money(patch, bet.BetPlaced)


def move_no_money(patch: pytest.MonkeyPatch, kind: type[bet.BetPlaced | bet.BetCancelled]) -> None:
    def movement(event: Any, *others: Any) -> Any:
        return None if isinstance(event, kind) else _MOVEMENT(event, *others)

    patch.setattr(decision, "movement_of_bet", movement)


def payouts_are_cut_instead_of_rounded(patch: pytest.MonkeyPatch) -> None:
    def payout(command: Any, placed: Any) -> Decimal:
        return _PAYOUT(command, placed).quantize(Decimal("0.01")).quantize(Decimal("0.0001"))

    patch.setattr(bet, "_payout", payout)


def totals_count_a_cancelled_bet(patch: pytest.MonkeyPatch) -> None:
    def additions(change: Any) -> Any:
        found = _OF_BET(change)
        return {name: amount for name, amount in found.items() if name != "staked" or amount > 0}

    patch.setattr(delta, "_of_bet", additions)


BROKEN: Final = (
    changed_requests_pass,
    refusals_are_forgotten,
    versions_are_not_compared,
    the_past_is_one_event_ahead,
    cancelled_stakes_are_kept,
    payouts_are_cut_instead_of_rounded,
    bets_need_no_money,
    totals_count_a_cancelled_bet,
)


@pytest.mark.usefixtures("anyio_backend")  # for the fixtures of this test, which are asynchronous
@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__.replace("_", " "))
def test_the_books_notice(
    stage: Stage,
    broken: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    run_seed: str,
) -> None:
    broken(monkeypatch)
    with pytest.raises((AssertionError, FlakyFailure), check=noticed):
        run(stage, examples=400, run_seed=run_seed, phases=[Phase.generate])


def noticed(error: BaseException) -> bool:
    """Whether the books said so; what came of commands sent at once need not come again."""
    if isinstance(error, FlakyFailure):
        return all(map(noticed, error.exceptions))
    return isinstance(error, AssertionError)
