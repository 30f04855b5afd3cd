"""What the service answers with: exact JSON, and the shapes that are not a view's own row."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, cast
from uuid import UUID

from litestar import Response
from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send
from msgspec import Struct
from msgspec.structs import asdict

from app import headers, response_headers
from app.exact_json import ENCODER
from app.submission import OK, Applied
from domain.bet import Bet
from domain.payment import Payment
from domain.tenant import RegisteredTenant

REPLAYED: Final = "Idempotent-Replayed"
NOT_MODIFIED: Final = 304


def encode(content: object) -> bytes:
    """`content` as JSON with exact decimals as numbers."""
    return ENCODER.encode(content)


class Answer(Response[Any]):
    """A JSON response; Litestar's own encoder would write decimals as strings.

    Only what is sent is kept, for `app.handlers.Handler`: the service sets no cookies and runs
    nothing afterwards.
    """

    content_type: bytes = b"application/json"
    always: response_headers.RawHeaders = response_headers.raw(response_headers.OF_DATA)

    def __init__(
        self, content: Any, *, status_code: int = OK, headers: Mapping[str, str] | None = None
    ) -> None:
        self.content = content
        self.status_code = status_code
        self.headers = dict(headers or {})

    async def send(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the answer, put together without detours."""
        body = self._body()
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in self.headers.items()
        ]
        headers += self.always
        if self.status_code != NOT_MODIFIED:
            headers += [
                (b"content-type", self.content_type),
                (b"content-length", b"%d" % len(body)),
            ]
        start = {"type": "http.response.start", "status": self.status_code, "headers": headers}
        await send(cast("HTTPResponseStartEvent", start))
        sent = {"type": "http.response.body", "body": body, "more_body": False}
        await send(cast("HTTPResponseBodyEvent", sent))

    def _body(self) -> bytes:
        return b"" if self.status_code == NOT_MODIFIED else encode(self.content)


class Document(Answer):
    """An answer that has been written already, in its own media type."""

    def __init__(
        self, body: bytes, media_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(body, headers=headers)
        self.content_type = media_type.encode()

    def _body(self) -> bytes:
        return bytes(self.content)


class PublicAnswer(Answer):
    """An answer that is the same for everybody, of which caches may keep a copy."""

    always = response_headers.raw(response_headers.OF_PUBLIC)


class RepeatedBet(Bet, frozen=True, kw_only=True):
    """A bet, answered to the repeat of a request that was carried out before."""

    duplicate: Literal[True] = True


class PaymentAnswer(Payment, frozen=True, kw_only=True):
    """A payment, answered to the request that made or moved it, now or (`duplicate`) before."""

    success: Literal[True] = True
    duplicate: bool


class NoBalance(Struct, frozen=True, kw_only=True):
    """The balance of a user for whom nothing was ever recorded."""

    balance: Decimal = Decimal(0)
    transaction_count: int = 0


class BetPage(Struct, frozen=True, kw_only=True):
    """A user's bets, newest change first; `total` counts all that match, on every page."""

    bets: list[Bet]
    total: int
    next_cursor: str | None


class PaymentPage(Struct, frozen=True, kw_only=True):
    """A user's payments, newest change first; `total` counts all that match, on every page."""

    payments: list[Payment]
    total: int
    next_cursor: str | None


class TenantPage(Struct, frozen=True, kw_only=True):
    """Tenants by id, the smallest first; `total` counts all of them, on every page."""

    tenants: list[RegisteredTenant]
    total: int
    next_cursor: str | None


class Event(Struct, frozen=True, kw_only=True):
    """An event as the log holds it; `timestamp` in milliseconds, `hash` in hexadecimal."""

    id: UUID
    tenant_id: int
    position: int
    aggregate_id: str
    version: int
    event_type: str
    event_name: str
    event_data: dict[str, Any]
    timestamp: int
    idempotency_key: str
    metadata: dict[str, Any]
    hash: str
    created_at: datetime


class FeedPage(Struct, frozen=True, kw_only=True):
    """Events in the order of their positions; `next` is the `after` of the page that follows."""

    events: list[Event]
    next: int


def etag(version: int) -> str:
    """The strong entity tag of a bet or payment at `version`."""
    return f'"{version}"'


def of_bet(applied: Applied) -> Answer:
    """The answer to a command on a bet."""
    row = applied.row
    content = RepeatedBet(**asdict(row)) if applied.duplicate else row
    return Answer(content, status_code=applied.status, headers=_headers(applied))


def of_payment(applied: Applied) -> Answer:
    """The answer to a command on a payment."""
    content = PaymentAnswer(**asdict(applied.row), duplicate=applied.duplicate)
    return Answer(content, status_code=applied.status, headers=_headers(applied))


def _headers(applied: Applied) -> Mapping[str, str]:
    headers = {"ETag": etag(applied.row.version)}
    if applied.duplicate:
        headers[REPLAYED] = "true"
    row = applied.row
    headers["Location"] = (
        f"/bets/{row.bet_id}" if isinstance(row, Bet) else f"/payments/{row.payment_id}"
    )
    return headers


def tagged(row: Bet | Payment, request_headers: headers.RawHeaders) -> Answer:
    """The answer to a read of one row: 304 if the caller has this version already."""
    tag = etag(row.version)
    if headers.is_unmodified(request_headers, tag):
        return Answer(None, status_code=NOT_MODIFIED, headers={"ETag": tag})
    return Answer(row, headers={"ETag": tag})
