"""A command on its way to the committer, and what comes back of it."""

from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from domain.bet import Bet, CancelBet, ConfirmBet, PlaceBet, SettleBet
from domain.decision import Command
from domain.payment import CompletePayment, FailPayment, MakePayment, Payment

Resource: TypeAlias = Literal["bet", "payment"]

# The names under which OpenAPI knows the operations; idempotency keys remember them.
OPERATIONS: Final[dict[type[Command], str]] = {
    PlaceBet: "placeBet",
    ConfirmBet: "confirmBet",
    SettleBet: "settleBet",
    CancelBet: "cancelBet",
    MakePayment: "makePayment",
    CompletePayment: "completePayment",
    FailPayment: "failPayment",
}
CREATIONS: Final[frozenset[type[Command]]] = frozenset({PlaceBet, MakePayment})
CREATED: Final = 201
OK: Final = 200


class Submission(Struct, frozen=True, kw_only=True, eq=False):
    """A validated command with everything that is fixed before it is queued.

    `command_id`, a UUID, is new for every request and survives re-runs of the batch;
    `resource_id` is the bet or payment, made here for a creation. `expected_versions` comes
    from If-Match; `actor`, the subject of the caller's token, `correlation_id` and `traceparent`
    go into the events' metadata.
    """

    tenant_id: int
    command: Command
    command_id: str
    resource: Resource
    resource_id: str
    idempotency_key: str
    fingerprint: dict[str, str]
    expected_versions: frozenset[int] | None = None
    actor: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None

    @property
    def operation(self) -> str:
        """The name of the operation, as in OpenAPI."""
        return OPERATIONS[type(self.command)]

    @property
    def creates(self) -> bool:
        """Whether the command brings its resource into being."""
        return type(self.command) in CREATIONS


class Applied(Struct, frozen=True):
    """The command took effect, now or (`duplicate`) when its key was first used."""

    row: Bet | Payment
    status: int
    duplicate: bool


class Refused(Struct, frozen=True):
    """The command is refused with a problem, now or (`duplicate`) when its key was first used."""

    problem: dict[str, Any]
    duplicate: bool = False


Outcome: TypeAlias = Applied | Refused
