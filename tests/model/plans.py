"""Commands that are made up."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from hypothesis import strategies as st

from tests.model.book import Book
from tests.model.messages import Operation, Request, Row

USERS: Final = ("anna", "bert", "carl")
_OF_BETS: Final[tuple[Operation, ...]] = ("confirm", "settle", "cancel")
_OF_PAYMENTS: Final[tuple[Operation, ...]] = ("complete", "fail")


class Plan(NamedTuple):
    """A command that is made up, before it is known what there is to move.

    Nothing that is made up depends on answers: which of two requests came first differs from
    one run to the next. `target` counts back from the newest of what there is.
    """

    kind: Literal["place", "pay", "bet", "payment"]
    user: str
    amount: Decimal
    odds: Decimal
    type: str | None
    mode: str | None
    operation: int
    target: int
    version: int | None
    result: str
    has_own: bool
    has_reason: bool

    def request(self, book: Book, key: str) -> Request:
        """The request, as far as the book has what it is about."""
        match self.kind:
            case "place":
                body: Row = {"user_id": self.user, "stake": self.amount, "odds": self.odds}
                return Request(key, "place", {**body, "fixture_id": "final"})
            case "pay":
                given = {"type": self.type, "mode": self.mode}
                said = {name: value for name, value in given.items() if value}
                return Request(key, "pay", {"user_id": self.user, "amount": self.amount, **said})
            case "bet":
                return self._move(key, _OF_BETS, list(book.bets))
            case "payment":
                return self._move(key, _OF_PAYMENTS, list(book.payments))

    def _move(self, key: str, operations: Sequence[Operation], known: Sequence[str]) -> Request:
        operation = operations[self.operation % len(operations)]
        target = known[-min(self.target, len(known))] if self.target and known else "none"
        return Request(key, operation, self._details(operation), target, self.version)

    def _details(self, operation: Operation) -> Row:
        if operation == "settle":
            own = self.result == "win" and self.has_own
            return {"result": self.result, **({"payout": self.amount} if own else {})}
        if operation in {"cancel", "fail"} and self.has_reason:
            return {"reason": "rain"}
        return {}


PLANS: Final = st.builds(
    Plan,
    kind=st.sampled_from(["place", "place", "pay", "pay", "bet", "bet", "bet", "payment"]),
    user=st.sampled_from(USERS),
    amount=st.sampled_from([*map(Decimal, ("0.0001", "1", "2.5", "10", "33.3333", "100"))]),
    odds=st.sampled_from([*map(Decimal, ("1.0001", "1.5", "2", "3.3333"))]),
    type=st.sampled_from([None, "deposit", "deposit", "withdrawal"]),
    mode=st.sampled_from([None, "instant", "deferred"]),
    operation=st.integers(0, 5),
    target=st.sampled_from([0, 1, 1, 1, 2, 2, 3, 4]),
    version=st.sampled_from([None, None, None, None, 1, 1, 2]),
    result=st.sampled_from(["win", "win", "loss"]),
    has_own=st.booleans(),
    has_reason=st.booleans(),
)
