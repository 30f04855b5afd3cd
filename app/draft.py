"""What a batch would change in one tenant: decided, folded and chained, not yet committed."""

from typing import Any, Final, cast

from msgspec import Struct
from uuid_utils import uuid7

from app import fingerprint, problems
from app.chain import Sealed, seal
from app.submission import CREATED, OK, Applied, Outcome, Refused, Submission
from app.tenant_state import Head, Rows, TenantState
from domain.balance import Balance
from domain.bet import Bet
from domain.decision import Fact, decide
from domain.errors import Refusal
from domain.events import STREAM_EVENTS, STREAM_OF, Stream
from domain.payment import Payment
from domain.recorded import Metadata, Recorded
from projections import FOLDS, bets, change, payments, user_balances
from projections.change import Change
from projections.idempotency_keys import KeyRecord
from projections.snapshots import Snapshot, due, taken

_BETS: Final = bets.bets_view.name
_PAYMENTS: Final = payments.payments_view.name
_BALANCES: Final = user_balances.user_balances_view.name
_VIEW_OF: Final = {"bet": _BETS, "payment": _PAYMENTS}


class NotLoaded(LookupError):
    """A decision asked for a row that was not loaded: a fault in what was asked for."""


class Draft:
    """The decisions of one batch for one tenant, on top of what is remembered of the tenant.

    It is the `Ledger` on which they are decided: a later command sees what an earlier one
    decided. Whether the draft becomes true is up to the commit. `created` holds the ids of
    bets and payments that its commands would bring into being.
    """

    def __init__(self, state: TenantState) -> None:
        self.state: Final = state
        self.events: Final[dict[Stream, list[Sealed]]] = {stream: [] for stream in STREAM_EVENTS}
        self.rows: Final[dict[str, Rows]] = {}
        self.snapshots: Final[list[Snapshot]] = []
        self.claims: Final[dict[str, KeyRecord]] = {}
        self.created: Final[set[str]] = set()
        self._position = state.head.position
        self._hash = state.head.hash
        self._now = self._recorded_at = state.head.last_timestamp

    @property
    def head(self) -> Head:
        """The head that the tenant has once the draft is committed."""
        before = self.state.head
        if self._position == before.position:
            return before
        return Head(
            position=self._position,
            hash=self._hash,
            last_timestamp=self._recorded_at,
            revision=before.revision,
        )

    def bet(self, bet_id: str, /) -> Bet | None:
        """The bet after what the draft has decided so far."""
        return cast("Bet | None", self._row(_BETS, bet_id))

    def payment(self, payment_id: str, /) -> Payment | None:
        """The payment after what the draft has decided so far."""
        return cast("Payment | None", self._row(_PAYMENTS, payment_id))

    def balance(self, user_id: str, /) -> Balance | None:
        """The balance after what the draft has decided so far."""
        return cast("Balance | None", self._row(_BALANCES, user_id))

    def decide(self, submission: Submission, now: int) -> Outcome:
        """Decide a command, once for its key; a refusal concerns this command alone.

        `now` in milliseconds since 1970; within a tenant time does not go back.

        A refusal by the rules sticks to the key. One that the caller can mend and try again
        (tenant suspended, If-Match not met, key used before) does not.
        """
        self._now = max(self._now, now)
        key = submission.idempotency_key
        if taken := self.claims.get(key) or self.state.taken(key):
            return self._repeat(taken, submission)
        if self.state.tenant.status == "suspended":
            return Refused(problems.document(problems.TENANT_SUSPENDED, "No commands are taken."))
        if submission.creates:
            self.created.add(submission.resource_id)
        if stale := self._stale(submission):
            return Refused(stale)
        try:
            facts = decide(
                submission.command, submission.resource_id, self, self.state.tenant.wallet
            )
        except Refusal as refusal:
            problem = problems.of_refusal(refusal)
            self._claim(submission, problem["status"], problem)
            return Refused(problem)
        for fact in facts:
            self._record(submission, fact)
        status = CREATED if submission.creates else OK
        self._claim(submission, status, None)
        return Applied(self._resource(submission, submission.resource_id), status, duplicate=False)

    def _repeat(self, taken: KeyRecord, submission: Submission) -> Outcome:
        if differing := _differing(taken, submission):
            detail = f"The key was used for another request; these differ: {', '.join(differing)}."
            return Refused(problems.document(problems.KEY_REUSED, detail, mismatch=differing))
        # A command whose commit was not answered finds its own key when it is run again.
        duplicate = taken.command_id != submission.command_id
        if taken.problem is not None:
            return Refused(taken.problem, duplicate)
        row = self._resource(submission, taken.resource_id)
        return Applied(row, OK if duplicate else taken.status, duplicate)

    def _stale(self, submission: Submission) -> dict[str, Any] | None:
        if submission.expected_versions is None:
            return None
        row = self._row(_VIEW_OF[submission.resource], submission.resource_id)
        version = cast("Bet | Payment", row).version if row else None
        if version is None or version in submission.expected_versions:
            return None
        detail = f"If-Match does not hold: the {submission.resource} is at version {version}."
        return problems.document(problems.PRECONDITION_FAILED, detail)

    def _record(self, submission: Submission, fact: Fact) -> None:
        aggregate = change.before(fact.event, fact.aggregate_id, self)
        self._position += 1
        recorded = Recorded(
            tenant_id=submission.tenant_id,
            position=self._position,
            id=str(uuid7()),
            aggregate_id=fact.aggregate_id,
            version=aggregate.version + 1 if aggregate else 1,
            timestamp=self._now,
            idempotency_key=submission.idempotency_key,
            metadata=Metadata(
                correlation_id=submission.correlation_id,
                related_to=fact.related_to,
                causation_id=submission.command_id,
                actor=submission.actor,
                traceparent=submission.traceparent,
            ),
            event=fact.event,
        )
        sealed = seal(recorded, self._hash)
        self._hash = sealed.hash
        self._recorded_at = self._now
        self.events[STREAM_OF[type(fact.event)]].append(sealed)
        self._fold(change.change(recorded, aggregate))

    def _fold(self, changed: Change) -> None:
        for projection in FOLDS[type(changed)]:
            table = projection.table.name
            key = projection.key(changed)
            row = projection.fold(self._row(table, key), changed)
            self.rows.setdefault(table, {})[key] = row
        if due(changed):
            self.snapshots.extend(taken(changed, self.rows))

    def _claim(self, submission: Submission, status: int, problem: dict[str, Any] | None) -> None:
        self.claims[submission.idempotency_key] = KeyRecord(
            idempotency_key=submission.idempotency_key,
            operation=submission.operation,
            fingerprint=submission.fingerprint,
            resource_id=submission.resource_id,
            command_id=submission.command_id,
            status=status,
            problem=problem,
        )

    def _resource(self, submission: Submission, resource_id: str) -> Bet | Payment:
        return cast("Bet | Payment", self._row(_VIEW_OF[submission.resource], resource_id))

    def _row(self, table: str, key: str) -> Struct | None:
        changed = self.rows.get(table)
        if changed is not None and key in changed:
            return changed[key]
        held = self.state.rows[table]
        if key in held:
            return held[key]
        if key in self.created:
            return None
        raise NotLoaded(table, key)


def _differing(taken: KeyRecord, submission: Submission) -> list[str]:
    if taken.operation != submission.operation:
        return ["operation"]
    names = fingerprint.differing(taken.fingerprint, submission.fingerprint)
    if taken.command_id is None:  # known from the view alone, which does not keep the mode
        return [name for name in names if name != "mode"]
    return names
