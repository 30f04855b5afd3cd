"""The five views after many random commands, against the fold over the events in the tables."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest

from app.submission import Outcome, Refused, Submission
from app.unit_of_work import KeysTaken
from domain.bet import CancelBet, ConfirmBet, SettleBet
from domain.decision import Command
from domain.payment import CompletePayment, FailPayment
from tests.app.ledger import Connection, assert_sound
from tests.app.submissions import pay, place, submission
from tests.app.units import Process, applied, connected
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT

TENANTS = (DEFAULT_TENANT, EXTERNAL_TENANT, INTERNAL_TENANT)
COMMANDS = 400


class Operators:
    """Make up commands of all kinds, many of them not possible, some of them repeats."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.made: list[Submission] = []

    def command(self) -> Submission:
        """The next command."""
        if self.made and self.random.random() < 0.1:
            return self.random.choice(self.made)
        tenant, user = self.random.choice(TENANTS), f"user-{self.random.randrange(4)}"
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
        target = self.random.choice(known or [place()])
        return submission(command, "bet", target.resource_id, tenant=target.tenant_id)

    def _on_payment(self, command: Command) -> Submission:
        known = [s for s in self.made if s.creates and s.resource == "payment"]
        target = self.random.choice(known or [pay()])
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


@pytest.mark.parametrize("seed", range(3))
async def test_views_equal_the_fold_over_the_log(
    database: str, connection: Connection, seed: int
) -> None:
    operators, outcomes = Operators(seed), list[Outcome]()
    async with connected(database) as one, connected(database) as two:
        while len(outcomes) < COMMANDS:
            batch = [operators.command() for _ in range(operators.random.randrange(1, 20))]
            outcomes += await settle(operators.random.choice([one, two]), batch)
    for tenant in TENANTS:
        log = await assert_sound(connection, tenant)
        assert len(log) > 30
    refused = Counter(o.problem["error"] for o in outcomes if isinstance(o, Refused))
    assert {"Insufficient funds", "Not possible in this status"} <= refused.keys()


async def test_a_process_that_remembers_next_to_nothing_writes_the_same(
    database: str, connection: Connection
) -> None:
    operators = Operators(7)
    async with connected(database) as process:
        for _ in range(30):
            await settle(process, [operators.command() for _ in range(5)])
            process.memory.trim()
            for tenant in TENANTS:
                if state := process.memory.get(tenant):
                    state.trim(1)
        assert applied(await process.run(place()))
    for tenant in TENANTS:
        assert await assert_sound(connection, tenant)
