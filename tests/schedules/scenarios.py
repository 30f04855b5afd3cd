"""Scenarios: two units of work that meet, and what they are answered in either order."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from app import row_security
from app.rebuild import NAMES, rebuild
from app.submission import Submission
from domain.bet import BetCommand, CancelBet, ConfirmBet, SettleBet
from domain.tenant import Wallet
from tests.app.answered import MOVED, NEW, REPEATED
from tests.app.rebuilding import ignore
from tests.app.submissions import pay, place, submission

if TYPE_CHECKING:
    from app.event_log import Connection

Answer: TypeAlias = tuple[int, bool] | str
"""Status and whether it is a repeat, or the kind of problem."""

Work: TypeAlias = Callable[["Connection", int], Awaitable[object]]
"""Work of an operator, on a connection and a tenant."""

# Tenants are new for every schedule; these say which of its own a command is for.
TENANT: Final = 0
NEIGHBOUR: Final = 1

FEW: Final = 60
MANY: Final = 400
AT_ONCE: Final = 8  # commands that are decided at once, whatever is under way


class Late(NamedTuple):
    """Commands that come to a process while it commits `first`."""

    first: Submission
    then: Sequence[Submission]


class Scenario(NamedTuple):
    """`one` and `two` meet: the commands of a process each, or what an operator does.

    `one_first` is what commands are answered, those of one before those of two, if one's last
    statement is carried out before two's; `two_first` is the other way round. Before they meet,
    others carry out what is `given`, `spoilt` is executed, and each of the two carries out what
    he remembers. There are at most `most` schedules.
    """

    name: str
    one: Sequence[Submission] | Late
    two: Sequence[Submission] | Work
    one_first: Sequence[Answer]
    two_first: Sequence[Answer]
    given: Sequence[Submission] = ()
    spoilt: str | None = None
    one_remembers: Sequence[Submission] = ()
    two_remembers: Sequence[Submission] = ()
    wallet: Wallet = "internal"
    tenants: int = 1
    most: int = FEW


async def suspend(connection: "Connection", tenant_id: int) -> None:
    """Suspend a tenant."""
    async with row_security.naming(connection, tenant_id):
        await connection.execute("UPDATE tenants SET status = 'suspended' WHERE id = $1", tenant_id)


async def rebuild_all(connection: "Connection", tenant_id: int) -> None:
    """Rebuild the views of a tenant."""
    await rebuild(connection, tenant_id, NAMES, ignore)


def _bet(user_id: str = "anna", stake: str = "10", *, key: str | None = None) -> Submission:
    return place(TENANT, user_id, stake, key=key)


def _on(placed: Submission, command: BetCommand, key: str | None = None) -> Submission:
    return submission(command, "bet", placed.resource_id, tenant=TENANT, key=key)


_FUNDS: Final = (pay(TENANT, "anna"), pay(TENANT, "bert"))
_PLACED: Final = _bet()
_SPOIL: Final = "UPDATE tenants_summary_view SET turnover = 7 WHERE tenant_id = $1"

TWO_BETS: Final = Scenario(
    "two bets",
    one=[_bet("anna")],
    two=[_bet("bert")],
    one_first=[NEW, NEW],
    two_first=[NEW, NEW],
    given=_FUNDS,
)
REMEMBERED_BETS: Final = TWO_BETS._replace(
    name="two bets at processes that remember the tenant",
    one_remembers=[_bet("anna")],
    two_remembers=[_bet("bert")],
)
BET_AND_DEPOSIT: Final = Scenario(
    "a bet and a deposit of one user",
    one=[_bet()],
    two=[pay(TENANT, "anna")],
    one_first=[NEW, NEW],
    two_first=[NEW, NEW],
    given=_FUNDS,
    wallet="external",
)
SETTLE_AND_CANCEL: Final = Scenario(
    "settling and cancelling one bet",
    one=[_on(_PLACED, SettleBet(result="win"))],
    two=[_on(_PLACED, CancelBet())],
    one_first=[MOVED, "illegal-transition"],
    two_first=["illegal-transition", MOVED],
    given=[*_FUNDS, _PLACED],
)
REMEMBERED_SETTLE_AND_CANCEL: Final = SETTLE_AND_CANCEL._replace(
    name="settling and cancelling one bet at processes that remember it",
    one_remembers=[_on(_PLACED, ConfirmBet())],
    two_remembers=[_on(_PLACED, ConfirmBet())],
)
LAST_FUNDS: Final = Scenario(
    "two bets on the last funds",
    one=[_bet(stake="60")],
    two=[_bet(stake="60")],
    one_first=[NEW, "insufficient-funds"],
    two_first=["insufficient-funds", NEW],
    given=_FUNDS,
)
NEEDED_DEPOSIT: Final = Scenario(
    "a deposit and a bet that needs it, at processes that remember the user",
    one=[pay(TENANT, "anna")],
    two=[_bet(stake="160")],
    one_first=[NEW, NEW],
    two_first=[NEW, "insufficient-funds"],
    given=_FUNDS,
    one_remembers=[_bet(stake="1")],
    two_remembers=[_bet(stake="1")],
)
SAME_BET: Final = Scenario(
    "a bet twice with one key",
    one=[_bet(key="k")],
    two=[_bet(key="k")],
    one_first=[NEW, REPEATED],
    two_first=[REPEATED, NEW],
    given=_FUNDS,
)
SAME_CONFIRMATION: Final = Scenario(
    "a confirmation twice with one key",
    one=[_on(_PLACED, ConfirmBet(), key="k")],
    two=[_on(_PLACED, ConfirmBet(), key="k")],
    one_first=[MOVED, REPEATED],
    two_first=[REPEATED, MOVED],
    given=[*_FUNDS, _PLACED],
)
OTHER_REQUEST: Final = Scenario(
    "two requests with one key",
    one=[_bet(key="k")],
    two=[_bet(key="k", stake="11")],
    one_first=[NEW, "key-reused"],
    two_first=["key-reused", NEW],
    given=_FUNDS,
)
REFUSED_KEY: Final = Scenario(
    "a bet without funds and a deposit with its key",
    one=[_bet(stake="200", key="k")],
    two=[pay(TENANT, "anna", key="k")],
    one_first=["insufficient-funds", "key-reused"],
    two_first=["key-reused", NEW],
    given=_FUNDS,
)
FIRST_COMMANDS: Final = Scenario(
    "the first command of a tenant at two processes",
    one=[_bet()],
    two=[pay(TENANT, "anna")],
    one_first=[NEW, NEW],
    two_first=[NEW, NEW],
    wallet="external",
    most=MANY,
)
SUSPENSION: Final = Scenario(
    "a bet and the suspension of its tenant",
    one=[_bet()],
    two=suspend,
    one_first=[NEW],
    two_first=["tenant-suspended"],
    given=_FUNDS,
)
REBUILD: Final = Scenario(
    "a bet and a rebuild",
    one=[_bet()],
    two=rebuild_all,
    one_first=[NEW],
    two_first=[NEW],
    given=[_bet()],
    spoilt=_SPOIL,
    wallet="external",
    most=MANY,
)
REMEMBERED_REBUILD: Final = REBUILD._replace(
    name="a bet at a process that remembers a wrong row, and a rebuild",
    one_remembers=[_bet()],
)
PIPELINE: Final = Scenario(
    "bets that come while another is committed, and one elsewhere",
    one=Late(_bet("anna", "1"), [_bet("bert", "1") for _ in range(AT_ONCE)]),
    two=[_bet("anna", "1")],
    one_first=[NEW] * (AT_ONCE + 2),
    two_first=[NEW] * (AT_ONCE + 2),
    given=_FUNDS,
    most=MANY,
)
TWO_TENANTS: Final = Scenario(
    "bets in two tenants and a bet in one of them",
    one=[place(TENANT, "anna"), place(NEIGHBOUR, "anna")],
    two=[place(NEIGHBOUR, "anna")],
    one_first=[NEW] * 3,
    two_first=[NEW] * 3,
    wallet="external",
    given=[place(NEIGHBOUR, "anna"), place(NEIGHBOUR, "anna"), place(TENANT, "anna")],
    tenants=2,
)

SCENARIOS: Final = (
    TWO_BETS,
    REMEMBERED_BETS,
    BET_AND_DEPOSIT,
    SETTLE_AND_CANCEL,
    REMEMBERED_SETTLE_AND_CANCEL,
    LAST_FUNDS,
    NEEDED_DEPOSIT,
    SAME_BET,
    SAME_CONFIRMATION,
    OTHER_REQUEST,
    REFUSED_KEY,
    FIRST_COMMANDS,
    SUSPENSION,
    REBUILD,
    REMEMBERED_REBUILD,
    PIPELINE,
    TWO_TENANTS,
)
