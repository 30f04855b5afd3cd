"""Operators who send commands of all kinds, and what sees them through."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random

from app.submission import Outcome, Submission
from app.unit_of_work import KeysTaken
from domain.bet import CancelBet, ConfirmBet, SettleBet
from domain.decision import Command
from domain.payment import CompletePayment, FailPayment
from tests.app.submissions import pay, place, submission
from tests.app.units import Process, connected
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT

TENANTS = (DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT)


class Operators:
    """Make up commands of all kinds, many of them not possible, some of them repeats."""

    def __init__(self, seed: int, tenants: Sequence[int] = TENANTS) -> None:
        self.random = Random(seed)
        self._tenants = tenants
        self.made: list[Submission] = []

    def command(self) -> Submission:
        """The next command."""
        if self.made and self.random.random() < 0.1:
            return self.random.choice(self.made)
        tenant, user = self.random.choice(self._tenants), f"user-{self.random.randrange(4)}"
        amount = str(Decimal(self.random.randrange(1, 600_000)).scaleb(-4))
        makers: list[Callable[[], Submission]] = [
            lambda: place(tenant, user, amount),
            lambda: pay(tenant, user, amount),
            lambda: pay(tenant, user, amount, mode="deferred"),
            lambda: pay(tenant, user, amount, "withdrawal"),
            lambda: pay(tenant, user, amount, "withdrawal", mode="instant"),
            lambda: self._on_bet(SettleBet(result="win")),
            lambda: self._on_bet(SettleBet(result="loss")),
            lambda: self._on_bet(SettleBet(result="win", payout=Decimal(amount))),
            lambda: self._on_bet(CancelBet(reason='rained "off"')),
            lambda: self._on_bet(CancelBet()),
            lambda: self._on_bet(ConfirmBet()),
            lambda: self._on_payment(CompletePayment()),
            lambda: self._on_payment(FailPayment(reason="bounced")),
        ]
        made = self.random.choice(makers)()
        self.made.append(made)
        return made

    def _on_bet(self, command: Command) -> Submission:
        known = [s for s in self.made if s.creates and s.resource == "bet"]
        target = self.random.choice(known or [place(self._tenants[0])])
        return submission(command, "bet", target.resource_id, tenant=target.tenant_id)

    def _on_payment(self, command: Command) -> Submission:
        known = [s for s in self.made if s.creates and s.resource == "payment"]
        target = self.random.choice(known or [pay(self._tenants[0])])
        return submission(command, "payment", target.resource_id, tenant=target.tenant_id)


async def settle(process: Process, batch: list[Submission]) -> list[Outcome]:
    """Run a batch until everyone in it has an outcome, as the committer does."""
    outcomes: list[Outcome] = []
    afresh = False
    while batch:
        try:
            found = await process.run(*batch, afresh=afresh)
        except KeysTaken:
            process.memory.forget(TENANTS)
            afresh = True
            continue
        outcomes += found.values()
        batch = [s for index, s in enumerate(batch) if index not in found]
    return outcomes


async def operate(
    database: str, commands: int, seed: int = 1, tenants: Sequence[int] = TENANTS
) -> None:
    """Have so many commands carried out, for all tenants of the tests or for some."""
    operators = Operators(seed, tenants)
    async with connected(database) as process:
        for _ in range(commands // 20):
            await settle(process, [operators.command() for _ in range(20)])
