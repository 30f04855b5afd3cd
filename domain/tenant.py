"""A tenant: a betting operator, whose data never meet another's."""

from datetime import datetime
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.errors import WalletInUse
from domain.fields import LABEL, LINE

TenantStatus: TypeAlias = Literal["active", "suspended"]
Wallet: TypeAlias = Literal["external", "internal"]

LARGEST_ID: Final = 2**63 - 1

TenantId: TypeAlias = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Name: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=128, pattern=LINE, description="What people call the operator."),
]
Slug: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        pattern=LABEL,
        description="A name for machines, of which no two tenants have the same: a DNS label.",
    ),
]
Plan: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=32, pattern=LINE, description="What the operator pays for."),
]


class Tenant(Struct, frozen=True, kw_only=True):
    """What commands and reads need to know of a tenant.

    With an `external` wallet stakes are held elsewhere and bets move no balance; with an
    `internal` one placing takes the stake, a win pays out and a cancel refunds.
    """

    id: int
    status: TenantStatus
    wallet: Wallet


class RegisteredTenant(Struct, frozen=True, kw_only=True):
    """All that is registered of a tenant."""

    id: int
    name: str
    slug: str
    plan: str
    wallet: Wallet
    status: TenantStatus
    created_at: datetime


class CreateTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Register an operator, who is active from then on."""

    id: TenantId
    name: Name
    slug: Slug
    plan: Plan = "basic"
    wallet: Wallet = "external"

    def describes(self, tenant: RegisteredTenant) -> bool:
        """Whether `tenant` is what this would make, so that nothing is left to do."""
        return all(getattr(tenant, name) == getattr(self, name) for name in self.__struct_fields__)


class ChangeTenant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change what is registered of a tenant; what is left out stays as it is."""

    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    plan: Plan | UnsetType = UNSET
    wallet: Wallet | UnsetType = UNSET
    status: TenantStatus | UnsetType = UNSET


def decide(command: ChangeTenant, tenant: RegisteredTenant, open_bets: int) -> dict[str, str]:
    """The fields of `tenant` that become others by `command`, with their new values.

    `open_bets` counts those that are placed or confirmed. Raises `WalletInUse`.
    """
    asked = {name: getattr(command, name) for name in command.__struct_fields__}
    changed: dict[str, str] = {
        name: value
        for name, value in asked.items()
        if value is not UNSET and value != getattr(tenant, name)
    }
    if "wallet" in changed and open_bets:
        raise WalletInUse(open_bets)
    return changed
