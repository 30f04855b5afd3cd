"""Every way in which the service says no over HTTP, as problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct, field

from domain.errors import (
    BetNotFound,
    DomainError,
    IllegalTransition,
    InsufficientFunds,
    LimitExceeded,
    PaymentNotFound,
    Refusal,
    WalletInUse,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 1


class FieldError(Struct, frozen=True):
    """One field at fault: a JSON pointer into the body (or the parameter's name), and why."""

    detail: str
    pointer: str


class ProblemDetails(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members that every problem has, and those that some have."""

    type: str
    title: str
    status: int
    error: str
    detail: str
    instance: str = ""
    request_id: str = ""
    errors: list[FieldError] | None = None
    mismatch: list[str] | None = None
    offered: list[str] | None = None
    violated_policies: list[str] | None = field(default=None, name="violated-policies")
    current_status: str | None = None
    available: Decimal | None = None
    required: Decimal | None = None
    limit: Decimal | None = None
    bet_id: str | None = None
    payment_id: str | None = None
    open_bets: int | None = None


class Kind(Struct, frozen=True):
    """A kind of problem: its slug (the end of its type), status, title and `error` text."""

    slug: str
    status: int
    title: str
    error: str | None = None

    @property
    def type(self) -> str:
        """The URI reference that identifies the kind."""
        return f"/problems/{self.slug}"


class Problem(Exception):
    """A request is answered with a problem; `replayed` if an earlier request had it already.

    `headers` are those that the answer has on top of what all problems have.
    """

    def __init__(
        self,
        document: dict[str, Any],
        *,
        replayed: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(document["detail"])
        self.document = document
        self.replayed = replayed
        self.headers = headers or {}


MISSING_TENANT: Final = Kind("missing-tenant", 400, "Tenant missing", "Missing X-Tenant-Id header")
INVALID_TENANT: Final = Kind(
    "invalid-tenant", 400, "Tenant not understood", "Invalid X-Tenant-Id format"
)
MISSING_KEY: Final = Kind("missing-key", 400, "Key missing", "Missing Idempotency-Key header")
INVALID_KEY: Final = Kind(
    "invalid-key", 400, "Key not understood", "Invalid Idempotency-Key header"
)
INVALID_REQUEST: Final = Kind("invalid-request", 400, "Request not understood", "Invalid request")
INVALID_CURSOR: Final = Kind("invalid-cursor", 400, "Cursor not valid here", "Invalid cursor")
TOKEN_MISSING: Final = Kind("token-missing", 401, "Token missing", "Missing bearer token")
TOKEN_INVALID: Final = Kind("token-invalid", 401, "Token not accepted", "Invalid bearer token")
SCOPE_MISSING: Final = Kind("scope-missing", 403, "Scope missing")
TENANT_FORBIDDEN: Final = Kind("tenant-forbidden", 403, "Tenant not named by the token")
TENANT_SUSPENDED: Final = Kind("tenant-suspended", 403, "Tenant suspended")
TENANT_NOT_FOUND: Final = Kind("tenant-not-found", 404, "Tenant not found")
BET_NOT_FOUND: Final = Kind("bet-not-found", 404, "Bet not found")
PAYMENT_NOT_FOUND: Final = Kind("payment-not-found", 404, "Payment not found")
NOT_FOUND: Final = Kind("not-found", 404, "Not found")
METHOD_NOT_ALLOWED: Final = Kind("method-not-allowed", 405, "Method not allowed")
NOT_ACCEPTABLE: Final = Kind("not-acceptable", 406, "Media type not offered", "Not acceptable")
ILLEGAL_TRANSITION: Final = Kind("illegal-transition", 409, "Not possible in this status")
TENANT_EXISTS: Final = Kind("tenant-exists", 409, "Tenant exists already")
WALLET_IN_USE: Final = Kind("wallet-in-use", 409, "Wallet in use by open bets")
PRECONDITION_FAILED: Final = Kind("precondition-failed", 412, "Changed in the meantime")
BODY_TOO_LARGE: Final = Kind("body-too-large", 413, "Body too large")
UNSUPPORTED_MEDIA_TYPE: Final = Kind("unsupported-media-type", 415, "Media type not supported")
INSUFFICIENT_FUNDS: Final = Kind("insufficient-funds", 422, "Insufficient funds")
LIMIT_EXCEEDED: Final = Kind("limit-exceeded", 422, "Limit exceeded")
NO_SUCH_MOMENT: Final = Kind("no-such-moment", 422, "Moment not in the log", "No such moment")
HISTORY_TOO_LONG: Final = Kind("history-too-long", 422, "History too long to be folded")
KEY_REUSED: Final = Kind("key-reused", 422, "Key already used", "Idempotency-Key already used")
COMMAND_REJECTED: Final = Kind("command-rejected", 422, "Rejected by the database")
QUOTA_EXCEEDED: Final = Kind("quota-exceeded", 429, "Quota exceeded", "Too many requests")
INTERNAL: Final = Kind("internal", 500, "Internal error", "Internal server error")
OVERLOADED: Final = Kind("overloaded", 503, "Overloaded", "Service overloaded")
NOT_READY: Final = Kind("not-ready", 503, "Not ready", "Service not ready")
UNAVAILABLE: Final = Kind("unavailable", 503, "Unavailable", "Service unavailable")

KINDS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Kind))

_KIND_OF: Final[dict[type[DomainError], Kind]] = {
    BetNotFound: BET_NOT_FOUND,
    PaymentNotFound: PAYMENT_NOT_FOUND,
    IllegalTransition: ILLEGAL_TRANSITION,
    InsufficientFunds: INSUFFICIENT_FUNDS,
    LimitExceeded: LIMIT_EXCEEDED,
    WalletInUse: WALLET_IN_USE,
}


def document(kind: Kind, detail: str, **members: Any) -> dict[str, Any]:
    """The problem as the JSON object that is answered, all but `instance` and `request_id`."""
    return {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "error": kind.error or kind.title,
        "detail": detail,
        **members,
    }


def problem(kind: Kind, detail: str, **members: Any) -> Problem:
    """A problem of `kind`, to be raised; `members` are further members."""
    return Problem(document(kind, detail, **members))


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """The problem that a refusal of the domain is answered with."""
    return document(_KIND_OF[type(refusal)], refusal.detail, **refusal.members)


def of_fields(errors: Sequence[FieldError]) -> Problem:
    """A request is not understood for these fields."""
    detail = "; ".join(f"{error.pointer}: {error.detail}" for error in errors)
    return Problem(document(INVALID_REQUEST, detail, errors=list(errors)))
