"""What is measured: which requests, from how many connections, for which tenants, of whom."""

from typing import Final, Literal, TypeAlias

from msgspec import Struct

from domain.tenant import Wallet

Service: TypeAlias = Literal["no-op", "shell", "by hand", "ledger", "two workers"]
Load: TypeAlias = Literal["place_bets", "flood", "beside", "mixed", "get_bet", "get_user_bets"]

USERS: Final = 1000  # of each tenant


class Tenants(Struct, frozen=True):
    """Tenants with consecutive numbers."""

    first: int
    number: int
    wallet: Wallet = "external"

    @property
    def last(self) -> int:
        """The number of the last one."""
        return self.first + self.number - 1


# Every service that writes has logs of its own: a ledger that remembers a tenant would find the
# head moved in every turn.
OF_THE_LEDGER: Final = Tenants(20001, 100)
OF_TWO_WORKERS: Final = Tenants(90001, 100)
MADE_BY_HAND: Final = Tenants(30001, 100)
MIXED: Final = Tenants(40001, 100, "internal")
READ: Final = Tenants(50001, 1)
COUNTED: Final = Tenants(60001, 1)
FLOODING: Final = Tenants(70001, 1)
BESIDE_IT: Final = Tenants(80001, 1)
ALL_TENANTS: Final = (
    OF_THE_LEDGER,
    OF_TWO_WORKERS,
    MADE_BY_HAND,
    MIXED,
    READ,
    COUNTED,
    FLOODING,
    BESIDE_IT,
)


class Scenario(Struct, frozen=True):
    """A load; `tenants` counts those of the range that the load goes to."""

    load: Load
    connections: int
    tenants: int = 1

    @property
    def writes(self) -> bool:
        """Whether the load consists of commands."""
        return self.load not in {"get_bet", "get_user_bets"}

    def __str__(self) -> str:
        connections = f"{self.connections} connection{'s' if self.connections > 1 else ''}"
        of_tenants = "" if self.tenants == 1 else f", {self.tenants} tenants"
        return f"{_TITLES[self.load]}, {connections}{of_tenants}"


class Contest(Struct, frozen=True):
    """A scenario and the services that meet it; `brief` if short runs are enough.

    The scenario `beside` it is met at the same time, which only one service can do.
    """

    scenario: Scenario
    services: tuple[Service, ...]
    brief: bool = False
    beside: Scenario | None = None

    @property
    def meetings(self) -> list[tuple[tuple[Service, Scenario], ...]]:
        """Who meets what, in turn, and what of it at once."""
        scenarios = (self.scenario, self.beside) if self.beside else (self.scenario,)
        return [tuple((service, each) for each in scenarios) for service in self.services]


class Plan(Struct, frozen=True, kw_only=True):
    """How long is measured; every contest takes place in every round.

    `rough` figures are not worth showing to others.
    """

    seconds: int
    rounds: int
    warm_up_seconds: int
    brief_seconds: int
    arrivals_seconds: int
    large_tenant: bool
    rough: bool = False


_TITLES: Final[dict[Load, str]] = {
    "place_bets": "POST /bets",
    "flood": "POST /bets of a flooding tenant",
    "beside": "POST /bets of another beside it",
    "mixed": "mixed commands",
    "get_bet": "GET /bets/{id}",
    "get_user_bets": "GET /users/{id}/bets",
}

ALONE: Final = Scenario("place_bets", 1)
BUSY: Final = Scenario("place_bets", 64)
CROWDED: Final = Scenario("place_bets", 256)
BUSY_MIXED: Final = Scenario("mixed", 64, MIXED.number)
FLOOD: Final = Scenario("flood", 256)
BESIDE_FLOOD: Final = Scenario("beside", 4)
READING: Final = Scenario("get_bet", 64)
LISTING: Final = Scenario("get_user_bets", 64)

CONTESTS: Final = (
    Contest(ALONE, ("no-op", "by hand", "ledger")),
    Contest(BUSY, ("no-op", "shell", "by hand", "ledger", "two workers")),
    Contest(CROWDED, ("no-op", "shell", "ledger")),
    Contest(BUSY_MIXED, ("ledger",)),
    # Long before the next bets of one tenant, of which batches are not full at first.
    Contest(FLOOD, ("ledger",), beside=BESIDE_FLOOD),
    Contest(READING, ("no-op", "shell", "by hand", "ledger")),
    Contest(LISTING, ("by hand", "ledger")),
    # These complete the curve over the number of connections.
    Contest(Scenario("place_bets", 4), ("no-op", "by hand", "ledger"), brief=True),
    Contest(Scenario("place_bets", 16), ("no-op", "by hand", "ledger"), brief=True),
    Contest(CROWDED, ("by hand",), brief=True),
)
_PLACING: Final[dict[Service, Tenants]] = {
    "by hand": MADE_BY_HAND,
    "two workers": OF_TWO_WORKERS,
}
CURVES: Final[tuple[Service, ...]] = ("no-op", "by hand", "ledger")


def tenants_of(service: Service, load: Load) -> Tenants:
    """The tenants that the load goes to, of which it may use only the first ones."""
    match load:
        case "mixed":
            return MIXED
        case "flood":
            return FLOODING
        case "beside":
            return BESIDE_IT
        case "place_bets":
            return _PLACING.get(service, OF_THE_LEDGER)
        case "get_bet" | "get_user_bets":
            return READ


USUAL: Final = Plan(
    seconds=2,
    rounds=3,
    warm_up_seconds=1,
    brief_seconds=1,
    arrivals_seconds=10,
    large_tenant=False,
)
QUICK: Final = Plan(
    seconds=1,
    rounds=1,
    warm_up_seconds=1,
    brief_seconds=1,
    arrivals_seconds=2,
    large_tenant=False,
    rough=True,
)
FULL: Final = Plan(
    seconds=8,
    rounds=5,
    warm_up_seconds=3,
    brief_seconds=4,
    arrivals_seconds=60,
    large_tenant=True,
)
