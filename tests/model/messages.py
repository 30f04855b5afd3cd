"""What goes over the wire, and what comes of it, without a word of the service's own code."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

Row: TypeAlias = Mapping[str, Any]
Wallet: TypeAlias = Literal["external", "internal"]
Operation: TypeAlias = Literal["place", "confirm", "settle", "cancel", "pay", "complete", "fail"]

_OF_BETS: Final = {"place", "confirm", "settle", "cancel"}
_DEFAULTS: Final = {"type": "deposit", "mode": None, "payout": None, "reason": None}


class Request(NamedTuple):
    """A command as a client sends it; `target` is the bet or payment that it moves.

    `version` is what If-Match says.
    """

    key: str
    operation: Operation
    body: Row
    target: str = ""
    version: int | None = None

    @property
    def is_about_bet(self) -> bool:
        """Whether it makes or moves a bet, not a payment."""
        return self.operation in _OF_BETS

    @property
    def path(self) -> str:
        """Where it is sent."""
        collection = "/bets" if self.is_about_bet else "/payments"
        return f"{collection}/{self.target}/{self.operation}" if self.target else collection

    @property
    def meaning(self) -> object:
        """What makes it another request than one with the same key."""
        said = {name: value for name, value in self.body.items() if value != _DEFAULTS.get(name)}
        return self.operation, self.target, said


class Answer(NamedTuple):
    """A status, and members that the body must have."""

    status: int
    members: Row


class Event(NamedTuple):
    """What the log must say of an event."""

    event_type: str
    aggregate_id: str
    version: int
    idempotency_key: str


def problem(status: int, kind: str, **members: object) -> Answer:
    """A refusal."""
    return Answer(status, {"type": f"/problems/{kind}", "status": status, **members})
