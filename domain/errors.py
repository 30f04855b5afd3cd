"""The ways in which the domain says no.

::

    DomainError
    ├── InvalidField          a value that no rule allows, with the field's name
    └── Refusal               a command that is well formed but not allowed now
        ├── NotFound
        │   ├── BetNotFound
        │   └── PaymentNotFound
        ├── IllegalTransition
        ├── InsufficientFunds
        ├── LimitExceeded
        └── WalletInUse
"""

from decimal import Decimal


class DomainError(Exception):
    """Root of everything that the domain raises on purpose."""


class InvalidField(DomainError, ValueError):
    """A command's field holds a value that no rule allows.

    A ValueError as well, so that msgspec reports it as a failed validation of the command.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field = field
        self.reason = reason


class Refusal(DomainError):
    """A well-formed command that is not allowed in the present state.

    `members` are facts for the caller beyond the sentence, by name; all JSON-encodable.
    """

    def __init__(self, detail: str, **members: str | int | Decimal) -> None:
        super().__init__(detail)
        self.detail = detail
        self.members = members


class NotFound(Refusal):
    """The aggregate that a command addresses does not exist in this tenant."""


class BetNotFound(NotFound):
    """There is no such bet in this tenant."""

    def __init__(self, bet_id: str) -> None:
        super().__init__(f"There is no bet {bet_id!r}.", bet_id=bet_id)


class PaymentNotFound(NotFound):
    """There is no such payment in this tenant."""

    def __init__(self, payment_id: str) -> None:
        super().__init__(f"There is no payment {payment_id!r}.", payment_id=payment_id)


class IllegalTransition(Refusal):
    """The aggregate's status does not allow the action."""

    def __init__(self, aggregate: str, status: str, action: str) -> None:
        super().__init__(f"A {status} {aggregate} cannot be {action}.", current_status=status)


class InsufficientFunds(Refusal):
    """The user's balance does not cover the amount."""

    def __init__(self, available: Decimal, required: Decimal) -> None:
        super().__init__(
            f"The balance of {available} does not cover {required}.",
            available=available,
            required=required,
        )


class LimitExceeded(Refusal):
    """An amount that the rules compute would be larger than the ledger can hold."""

    def __init__(self, what: str, limit: Decimal) -> None:
        super().__init__(f"The {what} would exceed {limit}.", limit=limit)


class WalletInUse(Refusal):
    """The tenant has open bets, which end as they began: by the wallet that it has."""

    def __init__(self, open_bets: int) -> None:
        count = "is 1" if open_bets == 1 else f"are {open_bets}"
        super().__init__(
            f"The wallet changes only while no bet is open; there {count}.", open_bets=open_bets
        )
