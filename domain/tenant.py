"""A tenant: a betting operator, whose data never meet another's."""

from typing import Literal, TypeAlias

from msgspec import Struct

TenantStatus: TypeAlias = Literal["active", "suspended"]
Wallet: TypeAlias = Literal["external", "internal"]


class Tenant(Struct, frozen=True, kw_only=True):
    """What commands and reads need to know of a tenant.

    With an `external` wallet stakes are held elsewhere and bets move no balance; with an
    `internal` one placing takes the stake, a win pays out and a cancel refunds.
    """

    id: int
    status: TenantStatus
    wallet: Wallet
