"""What a customer orders, and all that must come of each order."""

from decimal import Decimal
from random import Random
from typing import Any, NamedTuple, TypeAlias

Body: TypeAlias = dict[str, object] | None


class Order(NamedTuple):
    """A command: the status of its answer, its events by name, the money that it moves.

    The names are those of `event_type` without the version and the stream.
    """

    path: str
    body: Body
    status: int
    events: tuple[str, ...] = ()
    moved: Decimal = Decimal(0)


class OpenBet(NamedTuple):
    """A bet that was placed and is not settled or cancelled."""

    bet_id: str
    stake: Decimal
    confirmed: bool = False


class Orders:
    """Makes up orders of one user, each of which can only succeed, or only be refused.

    `balance` and `bets` are the user's by the orders that were carried out.
    """

    def __init__(self, user_id: str, random: Random, *, internal: bool) -> None:
        self.balance = Decimal(0)
        self.bets: list[OpenBet] = []
        self._user_id = user_id
        self._random = random
        self._internal = internal

    def next(self) -> Order:
        """The next order."""
        if self.balance < 100:
            return self._deposit()
        makers = [self._deposit, self._withdraw, self._place, self._place]
        if self._internal:
            makers.append(self._overdraw)
        if self.bets:
            makers += [self._settle, self._cancel, self._lose, self._confirm]
        return self._random.choice(makers)()

    def take(self, order: Order, answer: dict[str, Any]) -> None:
        """Take into account that the order was carried out and answered."""
        self.balance += order.moved
        done = order.path.split("/")
        if order.path == "/bets" and order.status == 201:
            self.bets.append(OpenBet(answer["bet_id"], Decimal(str(answer["stake"]))))
        elif order.path.endswith("/confirm"):
            self.bets = [
                bet._replace(confirmed=True) if bet.bet_id == done[2] else bet for bet in self.bets
            ]
        elif order.path.startswith("/bets/"):
            self.bets = [bet for bet in self.bets if bet.bet_id != done[2]]

    def _amount(self) -> Decimal:
        return Decimal(self._random.randrange(1, 90_0000)).scaleb(-4)

    def _deposit(self) -> Order:
        amount = self._amount() + 200
        events = ("DEPOSIT_CREATED", "DEPOSIT_COMPLETED", "BALANCE_INCREASED")
        return Order("/payments", self._payment(amount), 201, events, amount)

    def _withdraw(self) -> Order:
        amount = self._amount()
        body = self._payment(amount) | {"type": "withdrawal"}
        return Order("/payments", body, 201, ("WITHDRAWAL_CREATED", "BALANCE_DECREASED"), -amount)

    def _place(self) -> Order:
        stake = self._amount()
        return Order("/bets", self._bet(stake), 201, *self._moving("BET_PLACED", -stake))

    def _overdraw(self) -> Order:
        return Order("/bets", self._bet(self.balance + 1), 422)

    def _settle(self) -> Order:
        bet, payout = self._random.choice(self.bets), self._amount()
        body: dict[str, object] = {"result": "win", "payout": str(payout)}
        moving = self._moving("BET_SETTLED", payout)
        return Order(f"/bets/{bet.bet_id}/settle", body, 200, *moving)

    def _lose(self) -> Order:
        bet = self._random.choice(self.bets)
        return Order(f"/bets/{bet.bet_id}/settle", {"result": "loss"}, 200, ("BET_SETTLED",))

    def _cancel(self) -> Order:
        bet = self._random.choice(self.bets)
        moving = self._moving("BET_CANCELLED", bet.stake)
        return Order(f"/bets/{bet.bet_id}/cancel", None, 200, *moving)

    def _confirm(self) -> Order:
        bet = self._random.choice(self.bets)
        path = f"/bets/{bet.bet_id}/confirm"
        return (
            Order(path, None, 409) if bet.confirmed else Order(path, None, 200, ("BET_CONFIRMED",))
        )

    def _moving(self, event: str, amount: Decimal) -> tuple[tuple[str, ...], Decimal]:
        """A bet's event, and how it moves the balance if stakes are held here."""
        if not self._internal:
            return (event,), Decimal(0)
        movement = "BALANCE_INCREASED" if amount > 0 else "BALANCE_DECREASED"
        return (event, movement), amount

    def _bet(self, stake: Decimal) -> dict[str, object]:
        return {
            "user_id": self._user_id,
            "stake": str(stake),
            "odds": "2.1",
            "fixture_id": f"fixture-{self._random.randrange(9)}",
        }

    def _payment(self, amount: Decimal) -> dict[str, object]:
        return {"user_id": self._user_id, "amount": str(amount)}
