"""What is measured: how many connections place bets for how many tenants."""

from typing import Final

from msgspec import Struct

FIRST_TENANT: Final = 20001
TENANTS: Final = 100
USERS: Final = 1000  # of each tenant


class Scenario(Struct, frozen=True):
    """One row of the report."""

    connections: int
    tenants: int

    def __str__(self) -> str:
        connections = f"{self.connections} connection{'s' if self.connections > 1 else ''}"
        return connections if self.tenants == 1 else f"{connections}, {self.tenants} tenants"


class Plan(Struct, frozen=True, kw_only=True):
    """How long is measured; every scenario meets both services in every round."""

    seconds: int
    rounds: int
    warm_up_seconds: int


ALONE: Final = Scenario(connections=1, tenants=1)
BUSY: Final = Scenario(connections=64, tenants=1)
CROWDED: Final = Scenario(connections=256, tenants=1)
SPREAD: Final = Scenario(connections=64, tenants=TENANTS)

SCENARIOS: Final = (ALONE, BUSY, CROWDED, SPREAD)
