"""What a batch needs to be decided and nobody remembers."""

from typing import Final, TypeAlias

from msgspec import Struct

from app.submission import Submission
from app.tenant_state import TenantState
from domain.bet import Bet, PlaceBet
from domain.payment import MakePayment, Payment
from projections import PROJECTIONS
from projections.bets import bets_view
from projections.payments import payments_view

Key: TypeAlias = tuple[int, str]
"""A row's key together with its tenant."""

# Views with a row for each user, or for each tenant, are read with whatever they belong to.
USER_VIEWS: Final = tuple(p.table for p in PROJECTIONS if p.key_column == "user_id")
TENANT_VIEWS: Final = tuple(p.table for p in PROJECTIONS if p.key_column is None)
_USER_VIEW_NAMES: Final = tuple(view.name for view in USER_VIEWS)
_RESOURCE_VIEWS: Final = {"bet": bets_view.name, "payment": payments_view.name}


class Wanted:
    """The keys of the rows that have to be read, each with its tenant; idempotency keys also
    with the operations that they are used for.

    `only_users` is true as long as nothing but users' rows of remembered tenants is missing:
    by far the most frequent read, and a short one.
    """

    def __init__(self) -> None:
        self.tenants: Final[set[int]] = set()
        self.bets: Final[set[Key]] = set()
        self.payments: Final[set[Key]] = set()
        self.users: Final[set[Key]] = set()
        self.keys: Final[dict[Key, set[str]]] = {}
        self.only_users = True

    def __bool__(self) -> bool:
        return bool(self.tenants)

    def add(self, submission: Submission, state: TenantState | None) -> None:
        """Want what deciding `submission` needs and `state` does not hold."""
        if state is None:
            self._add_all(submission)
            return
        taken = state.taken(submission.idempotency_key)
        if not taken and _may_leave_key(submission, state):
            self._add_key(submission)
        resource_id = taken.resource_id if taken else submission.resource_id
        resources = state.rows[_RESOURCE_VIEWS[submission.resource]]
        if resource_id not in resources and (taken or not submission.creates):
            self._add_resource(submission, resource_id)
        elif not taken:
            user_id = _user_of(submission, resources.get(resource_id))
            if user_id and not _knows_user(state, user_id):
                self._add_user(submission.tenant_id, user_id)

    def _add_all(self, submission: Submission) -> None:
        self._add_key(submission)
        if user_id := _user_of(submission, None):
            self._add_user(submission.tenant_id, user_id)
        else:
            self._add_resource(submission, submission.resource_id)

    def _add_key(self, submission: Submission) -> None:
        self.only_users = False
        self.tenants.add(submission.tenant_id)
        key = submission.tenant_id, submission.idempotency_key
        self.keys.setdefault(key, set()).add(submission.operation)

    def _add_user(self, tenant_id: int, user_id: str) -> None:
        self.tenants.add(tenant_id)
        self.users.add((tenant_id, user_id))

    def _add_resource(self, submission: Submission, resource_id: str) -> None:
        self.only_users = False
        self.tenants.add(submission.tenant_id)
        resources = self.bets if submission.resource == "bet" else self.payments
        resources.add((submission.tenant_id, resource_id))


def _knows_user(state: TenantState, user_id: str) -> bool:
    for view in _USER_VIEW_NAMES:  # noqa: SIM110 - a generator costs every command twice as much
        if user_id not in state.rows[view]:
            return False
    return True


def _may_leave_key(submission: Submission, state: TenantState) -> bool:
    """Whether the command may be refused without taking its key, which then nothing checks."""
    return submission.expected_versions is not None or state.tenant.status == "suspended"


def _user_of(submission: Submission, row: Struct | None) -> str | None:
    """The user whose rows the command touches, as far as it is known before loading."""
    if isinstance(submission.command, PlaceBet | MakePayment):
        return submission.command.user_id
    return row.user_id if isinstance(row, Bet | Payment) else None
