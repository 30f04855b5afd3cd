"""All events of the ledger, by stream and by type."""

from typing import Final, Literal, TypeAlias

from domain.balance import BalanceDecreased, BalanceEvent, BalanceIncreased
from domain.bet import BetCancelled, BetConfirmed, BetEvent, BetPlaced, BetSettled
from domain.payment import (
    DepositCompleted,
    DepositCreated,
    DepositFailed,
    PaymentEvent,
    WithdrawalCompleted,
    WithdrawalCreated,
    WithdrawalFailed,
)

DomainEvent: TypeAlias = BetEvent | PaymentEvent | BalanceEvent
Stream: TypeAlias = Literal["bet", "payment", "balance"]

STREAM_EVENTS: Final[dict[Stream, tuple[type[DomainEvent], ...]]] = {
    "bet": (BetPlaced, BetConfirmed, BetSettled, BetCancelled),
    "payment": (
        DepositCreated,
        DepositCompleted,
        DepositFailed,
        WithdrawalCreated,
        WithdrawalCompleted,
        WithdrawalFailed,
    ),
    "balance": (BalanceIncreased, BalanceDecreased),
}


STREAM_OF: Final[dict[type[DomainEvent], Stream]] = {
    event_class: stream for stream, classes in STREAM_EVENTS.items() for event_class in classes
}
EVENT_TYPE: Final[dict[type[DomainEvent], str]] = {
    event_class: str(event_class.__struct_config__.tag) for event_class in STREAM_OF
}
EVENT_NAME: Final[dict[str, str]] = {
    event_type: event_type.lower().replace("_", ".") for event_type in EVENT_TYPE.values()
}
