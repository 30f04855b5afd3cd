"""What belongs to a tenant and can be named in a request, and what nobody has ever had."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from uuid import uuid4

from tests.app.api.book import paid, placed
from tests.conftest import Client, bet_body

Things: TypeAlias = Mapping[str, str]
"""Values by the name of what they are."""

# What the parameters of the operations name. One that is not listed anywhere is an error.
OF_PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "bet_id": ("bet_id",),
    "payment_id": ("payment_id",),
    "user_id": ("user_id",),
    "cursor": ("bets_cursor", "payments_cursor"),
    "after": ("position",),
    "after_version": ("version",),
    "as_of": ("position", "moment"),
    "start_time": ("milliseconds",),
    "end_time": ("milliseconds",),
    "Idempotency-Key": ("key",),
    "If-Match": ("etag",),
    "If-None-Match": ("etag",),
    "Last-Event-ID": ("position",),
    # Nobody's: how much is asked for, and what the caller says of himself.
    **dict.fromkeys(("limit", "status", "by", "stream", "wait", "X-Tenant-Id"), ()),
    **dict.fromkeys(("X-Request-Id", "X-Correlation-Id", "traceparent"), ()),
}

_KEY: Final = "the key under which it was placed"
_FILLER: Final = 30


async def own(client: Client) -> Things:
    """A little of everything, for a tenant who is to ask for what is not his."""
    for _ in range(2):
        bet_id, payment_id = await placed(client), await paid(client)
    return {"bet_id": bet_id, "payment_id": payment_id, "user_id": "user-1", "key": "own key"}


async def theirs(client: Client) -> list[Things]:
    """Much of everything; a bet and a payment in each of their statuses, and all else."""
    user_id = "a user of theirs"
    for _ in range(_FILLER):
        await placed(client, user_id=user_id)
        await paid(client, user_id=user_id, mode="instant")
    placing = await client.place_bet(_KEY)
    cursors = {
        f"{name}_cursor": (await client.get(f"/users/user-1/{name}?limit=1")).json()["next_cursor"]
        for name in ("bets", "payments")
        if [await placed(client), await paid(client), await paid(client)]
    }
    last = (await client.get("/events?after=60&limit=1")).json()[0]
    shared = {
        **cursors,
        "user_id": user_id,
        "key": _KEY,
        "position": str(last["position"]),
        "version": str(_FILLER),
        "etag": '"2"',
        "milliseconds": str(last["timestamp"]),
        "moment": last["created_at"],
    }
    found = [shared | each async for each in _in_every_status(client)]
    return [*found, shared | {"bet_id": placing.json()["bet_id"]} | found[0]]
