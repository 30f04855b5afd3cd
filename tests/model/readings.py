"""Every path that can be read of a tenant, with what must be there."""

from typing import TypeAlias

from tests.model.book import Book
from tests.model.messages import Row
from tests.model.plans import USERS

Reading: TypeAlias = tuple[str, Row | None]


def now(book: Book) -> list[Reading]:
    """Every path that can be read, with what must be there."""
    return [
        ("/tenants/summary", book.summary_as_of()),
        ("/bets/none", None),
        *((f"/bets/{bet_id}", row) for bet_id, row in book.bets.items()),
        *((f"/payments/{payment_id}", row) for payment_id, row in book.payments.items()),
        *((f"/users/{user}/balance", book.balance(user)) for user in USERS),
        *((f"/users/{user}/activity", book.activity_of(user)) for user in USERS),
        *((f"/users/{user}/bets?limit=200", _listed(book, user)) for user in USERS),
    ]


def then(book: Book, position: int) -> list[Reading]:
    """The same of the past, as far as it can be read."""
    as_of = f"as_of={position}"
    return [
        (f"/tenants/summary?{as_of}", book.summary_as_of(position)),
        *((f"/bets/{key}?{as_of}", book.as_of("bet", key, position)) for key in book.bets),
        *(
            (f"/payments/{key}?{as_of}", book.as_of("payment", key, position))
            for key in book.payments
        ),
        *((f"/users/{user}/balance?{as_of}", book.balance(user, position)) for user in USERS),
        *(
            (f"/users/{user}/bets?limit=200&{as_of}", _listed(book, user, position))
            for user in USERS
        ),
    ]


def _listed(book: Book, user: str, position: int | None = None) -> Row:
    bets = book.bets_of(user, position)
    return {"bets": bets, "total": len(bets), "next_cursor": None}
