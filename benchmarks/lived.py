"""A made-up log of one tenant with everything that happens to bets, payments and balances."""

import random
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Final

from uuid_utils import uuid7

from app.chain import seal
from app.event_log import Logged
from app.export_file import ExportedTenant, ExportWriter, Heading
from app.replay import Replay
from domain.bet import CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.decision import Command, Fact, decide
from domain.errors import Refusal
from domain.payment import CompletePayment, MakePayment
from domain.recorded import Metadata, Recorded
from projections.change import before

TENANT: Final = ExportedTenant(
    id=77_001, name="Moved", slug="moved", status="active", plan="basic", wallet="internal"
)
_SEED: Final = 1
_BEGAN: Final = 1_767_268_800_000
_STEP_MILLISECONDS: Final = 20
_NANOSECONDS: Final = 1_000_000  # in a millisecond
_FIXTURES: Final = 500
_OPEN: Final = 5_000  # bets that wait for their result at a time
_AMOUNT: Final = Decimal(100)

# How often something happens, of all that the user does or of all bets.
_DEPOSITS: Final = 0.08
_WITHDRAWALS: Final = 0.02
_CONFIRMED: Final = 0.5
_CANCELLED: Final = 0.04
_WON: Final = 0.36


class Lived:
    """The log of a tenant with an internal wallet, whose users pay in, bet, win and withdraw."""

    def __init__(self, users: int) -> None:
        self._drawn: Final = random.Random(_SEED)
        self._replay: Final = Replay()
        self._users: Final = [f"user-{number}" for number in range(1, users + 1)]
        self._open: Final[list[str]] = []
        self._hash = b""
        self.log: Final[list[Logged]] = []

    def go_on(self, events: int) -> None:
        """Go on until there are so many events, a few more perhaps."""
        while len(self.log) < events:
            user = self._drawn.choice(self._users)
            kind = self._drawn.random()
            if kind < _DEPOSITS or self._replay.balance(user) is None:
                self._carry_out(MakePayment(user_id=user, amount=_AMOUNT), self._id("payment"))
            elif kind < _DEPOSITS + _WITHDRAWALS:
                self._withdraw(user)
            elif len(self._open) > _OPEN:
                self._decide_bet(self._open.pop(self._drawn.randrange(_OPEN)))
            else:
                self._place(user)

    def _place(self, user: str) -> None:
        drawn, bet_id = self._drawn, self._id("bet")
        bet = PlaceBet(
            user_id=user,
            stake=Decimal(drawn.randint(100, 2000)).scaleb(-2),
            odds=Decimal(drawn.randint(110, 600)).scaleb(-2),
            fixture_id=f"fixture-{drawn.randint(1, _FIXTURES)}",
        )
        if self._carry_out(bet, bet_id):
            self._open.append(bet_id)
            if drawn.random() < _CONFIRMED:
                self._carry_out(ConfirmBet(), bet_id)

    def _decide_bet(self, bet_id: str) -> None:
        kind = self._drawn.random()
        if kind < _CANCELLED:
            self._carry_out(CancelBet(reason="fixture called off"), bet_id)
        else:
            self._carry_out(SettleBet(result="win" if kind < _CANCELLED + _WON else "loss"), bet_id)

    def _withdraw(self, user: str) -> None:
        payment_id = self._id("payment")
        if self._carry_out(
            MakePayment(user_id=user, amount=_AMOUNT, type="withdrawal"), payment_id
        ):
            self._carry_out(CompletePayment(), payment_id)

    def _id(self, kind: str) -> str:
        return f"{kind}-{uuid7(nanoseconds=self._now() * _NANOSECONDS)}"

    def _now(self) -> int:
        return _BEGAN + len(self.log) * _STEP_MILLISECONDS

    def _carry_out(self, command: Command, aggregate_id: str) -> bool:
        with suppress(Refusal):
            key = f"{self._drawn.getrandbits(64):016x}-{len(self.log)}"
            now = self._now()
            for fact in decide(command, aggregate_id, self._replay, TENANT.wallet):
                self._record(fact, key, now)
            return True
        return False

    def _record(self, fact: Fact, key: str, now: int) -> None:
        aggregate = before(fact.event, fact.aggregate_id, self._replay)
        recorded = Recorded(
            tenant_id=TENANT.id,
            position=len(self.log) + 1,
            id=str(uuid7(nanoseconds=now * _NANOSECONDS)),
            aggregate_id=fact.aggregate_id,
            version=aggregate.version + 1 if aggregate else 1,
            timestamp=now,
            idempotency_key=key,
            metadata=Metadata(related_to=fact.related_to),
            event=fact.event,
        )
        self._hash = seal(recorded, self._hash).hash
        self._replay.fold(recorded)
        self.log.append(Logged(recorded, self._hash))


def make(file: Path, events: int, users: int) -> int:
    """Write the export of a tenant with so many events, or a few more; returns their number."""
    lived = Lived(users)
    lived.go_on(events)
    with file.open("wb") as opened:
        writer = ExportWriter(opened, Heading(tenant=TENANT, after=0, to=len(lived.log)))
        writer.write(lived.log)
    return len(lived.log)
