"""What a token grants its bearer."""

from msgspec import Struct


class Grant(Struct, frozen=True, kw_only=True):
    """Who the bearer is, what he may do, to whose data, and for how long.

    The token says that it `expires`; it is accepted `until` then or a little later, as clocks
    differ. Both are in seconds since 1970.
    """

    subject: str
    scopes: frozenset[str]
    tenants: frozenset[int]
    expires: float
    until: float
