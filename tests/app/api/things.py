"""What belongs to a tenant and can be named in a request."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from tests.app.api.book import open_book, paid, placed
from tests.conftest import Client

Things: TypeAlias = Mapping[str, str]
"""Values by the name of what they are."""

# What the parameters of operations name. One that is not listed is an error.
OF_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "bet_id": ("bet_id",),
    "payment_id": ("payment_id",),
    "user_id": ("user_id",),
    "cursor": ("bets_cursor", "payments_cursor"),
    "status": ("bets_status", "payments_status"),
    "after": ("position",),
    "after_version": ("version",),
    "as_of": ("position", "moment"),
    "start_time": ("milliseconds",),
    "end_time": ("milliseconds",),
    "Idempotency-Key": ("key",),
    "If-Match": ("etag",),
    "If-None-Match": ("etag",),
    "Last-Event-ID": ("position",),
    # Nobody's: how much is asked for, and what a caller says of himself.
    **dict.fromkeys(("limit", "by", "stream", "wait", "X-Tenant-Id"), ()),
    **dict.fromkeys(("X-Request-Id", "X-Correlation-Id", "traceparent"), ()),
}

_USER: Final = "a user of theirs"
_KEY: Final = "a key of theirs"
_DEPOSITS: Final = 30
_STATUSES: Final[tuple[tuple[str, object, str], ...]] = (
    ("confirm", None, "complete"),
    ("settle", {"result": "win"}, "fail"),
    ("cancel", {"reason": "rain"}, "complete"),
)


async def own(client: Client) -> Things:
    """A little, for a tenant who is to ask for what is not his."""
    book = await open_book(client)
    return book._asdict()


async def theirs(client: Client) -> list[Things]:
    """Much, with a bet and a payment in each of their statuses; all else is the same in all."""
    for _ in range(_DEPOSITS):
        assert (await client.deposit(_USER, 1)).is_success
    await open_book(client)
    assert (await client.place_bet(_KEY, user_id=_USER)).is_success
    things: list[Things] = [{"bet_id": await placed(client), "payment_id": await paid(client)}]
    for move, body, end in _STATUSES:
        things.append({"bet_id": await placed(client), "payment_id": await paid(client)})
        assert (await client.post("/bets/{bet_id}/".format(**things[-1]) + move, body)).is_success
        assert (await client.post("/payments/{payment_id}/".format(**things[-1]) + end)).is_success
    shared = await _shared(client)
    return [{**shared, **each} for each in things]


async def _shared(client: Client) -> Things:
    (event,) = (await client.get("/events?after=60&limit=1")).json()
    cursors = {
        f"{name}_cursor": (await client.get(f"/users/user-1/{name}?limit=1")).json()["next_cursor"]
        for name in ("bets", "payments")
    }
    return {
        **cursors,
        "user_id": _USER,
        "key": _KEY,
        "bets_status": "placed",
        "payments_status": "created",
        "etag": '"2"',
        "version": str(_DEPOSITS),
        "position": str(event["position"]),
        "moment": event["created_at"],
        "milliseconds": str(event["timestamp"]),
    }
