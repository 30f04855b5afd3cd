"""The one read that fetches, in one snapshot, what a batch is decided on."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.json import Decoder
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.expression import CTE, TableValuedAlias

from app import fingerprint
from app.query import Query
from app.submission import CREATED, OPERATIONS, Submission
from app.tenant_state import Head, Rows, TenantState
from domain.bet import Bet, PlaceBet
from domain.payment import MakePayment, Payment
from domain.tenant import Tenant, TenantStatus, Wallet
from projections import PROJECTIONS, tenant_heads, tenants
from projections.bets import bets_view
from projections.idempotency_keys import KeyRecord, idempotency_keys
from projections.payments import payments_view
from projections.tenants_summary import tenants_summary_view
from projections.user_activity import user_activity_view
from projections.user_balances import user_balances_view

Key: TypeAlias = tuple[int, str]
"""A row's key together with its tenant."""

_USER_VIEWS: Final = (user_balances_view, user_activity_view)
_RESOURCE_VIEWS: Final = {"bet": bets_view.name, "payment": payments_view.name}
_SUMMARY_KEY: Final = ""


class _TenantRow(Struct, frozen=True):
    id: int
    status: TenantStatus
    wallet: Wallet
    position: int
    hash: str
    last_timestamp: int
    revision: int


_TENANTS: Final = Decoder(_TenantRow)
_KEYS: Final = Decoder(KeyRecord)
_ROWS: Final = {projection.table.name: Decoder(projection.row_type) for projection in PROJECTIONS}
_KEY_FIELD: Final = {
    bets_view.name: "bet_id",
    payments_view.name: "payment_id",
    user_balances_view.name: "user_id",
    user_activity_view.name: "user_id",
}


class Wanted:
    """What a batch needs and nobody remembers.

    `only_users` is true as long as nothing but users' rows of remembered tenants is missing:
    by far the most frequent read, and a short one.
    """

    def __init__(self) -> None:
        self.tenants: Final[set[int]] = set()
        self.bets: Final[set[Key]] = set()
        self.payments: Final[set[Key]] = set()
        self.users: Final[set[Key]] = set()
        self.keys: Final[set[Key]] = set()
        self.only_users = True

    def __bool__(self) -> bool:
        return bool(self.tenants)

    def add(self, submission: Submission, state: TenantState | None) -> None:
        """Want what deciding `submission` needs and `state` does not hold."""
        if state is None:
            self._add_all(submission)
            return
        taken = state.keys.get(submission.idempotency_key)
        resource_id = taken.resource_id if taken else submission.resource_id
        resources = state.rows[_RESOURCE_VIEWS[submission.resource]]
        if resource_id not in resources and (taken or not submission.creates):
            self._add_resource(submission, resource_id)
        elif not taken:
            user_id = _user_of(submission, resources.get(resource_id))
            if user_id and not all(user_id in state.rows[view.name] for view in _USER_VIEWS):
                self._add_user(submission.tenant_id, user_id)

    def _add_all(self, submission: Submission) -> None:
        self.only_users = False
        self.keys.add((submission.tenant_id, submission.idempotency_key))
        if user_id := _user_of(submission, None):
            self._add_user(submission.tenant_id, user_id)
        else:
            self._add_resource(submission, submission.resource_id)

    def _add_user(self, tenant_id: int, user_id: str) -> None:
        self.tenants.add(tenant_id)
        self.users.add((tenant_id, user_id))

    def _add_resource(self, submission: Submission, resource_id: str) -> None:
        self.only_users = False
        self.tenants.add(submission.tenant_id)
        resources = self.bets if submission.resource == "bet" else self.payments
        resources.add((submission.tenant_id, resource_id))


class Loaded:
    """What the read returned, by tenant."""

    def __init__(self, wanted: Wanted) -> None:
        self.states: Final[dict[int, TenantState]] = {}
        self._rows: Final[dict[tuple[int, str], Rows]] = {}
        self._keys: Final[dict[int, dict[str, KeyRecord]]] = {}
        self._wanted = wanted
        for tenant_id, bet_id in wanted.bets:
            self._of(tenant_id, bets_view.name)[bet_id] = None
        for tenant_id, payment_id in wanted.payments:
            self._of(tenant_id, payments_view.name)[payment_id] = None
        for tenant_id, user_id in wanted.users:
            self._know_user(tenant_id, user_id)
        if not wanted.only_users:
            for tenant_id in wanted.tenants:
                self._of(tenant_id, tenants_summary_view.name)[_SUMMARY_KEY] = None

    def take(self, records: Iterable[tuple[str, int, str]]) -> None:
        """Take the rows of the read: kind, tenant and JSON document of each."""
        for kind, tenant_id, document in records:
            if kind == tenants.name:
                self._take_tenant(_TENANTS.decode(document))
            elif kind == idempotency_keys.name:
                key = _KEYS.decode(document)
                self._keys.setdefault(tenant_id, {})[key.idempotency_key] = key
            else:
                self._take_row(kind, tenant_id, _ROWS[kind].decode(document))
        for tenant_id, state in self.states.items():
            self._complete(tenant_id, state)

    def _take_tenant(self, row: _TenantRow) -> None:
        head = Head(
            position=row.position,
            hash=bytes.fromhex(row.hash),
            last_timestamp=row.last_timestamp,
            revision=row.revision,
        )
        tenant = Tenant(id=row.id, status=row.status, wallet=row.wallet)
        self.states[row.id] = TenantState(tenant, head)

    def _take_row(self, table: str, tenant_id: int, row: Struct) -> None:
        key = getattr(row, _KEY_FIELD[table]) if table in _KEY_FIELD else _SUMMARY_KEY
        self._of(tenant_id, table)[key] = row
        if isinstance(row, Bet | Payment):
            self._know_user(tenant_id, row.user_id)
            self._take_late_key(tenant_id, row)

    def _take_late_key(self, tenant_id: int, row: Bet | Payment) -> None:
        """A key that was pruned still stands in the view, with the request it was used for."""
        if (tenant_id, row.idempotency_key) not in self._wanted.keys:
            return
        operation: type[PlaceBet | MakePayment]
        if isinstance(row, Bet):
            operation, given, resource_id = PlaceBet, fingerprint.of_bet(row), row.bet_id
        else:
            operation, given, resource_id = (
                MakePayment,
                fingerprint.of_payment(row),
                row.payment_id,
            )
        record = KeyRecord(
            idempotency_key=row.idempotency_key,
            operation=OPERATIONS[operation],
            fingerprint=given,
            resource_id=resource_id,
            command_id=None,
            status=CREATED,
        )
        self._keys.setdefault(tenant_id, {}).setdefault(row.idempotency_key, record)

    def _know_user(self, tenant_id: int, user_id: str) -> None:
        for view in _USER_VIEWS:
            self._of(tenant_id, view.name).setdefault(user_id, None)

    def _of(self, tenant_id: int, table: str) -> Rows:
        return self._rows.setdefault((tenant_id, table), {})

    def _complete(self, tenant_id: int, state: TenantState) -> None:
        rows = {table: self._rows.get((tenant_id, table), {}) for table in state.rows}
        state.advance(state.head, rows, self._keys.get(tenant_id, {}))


def _user_of(submission: Submission, row: Struct | None) -> str | None:
    """The user whose rows the command touches, as far as it is known before loading."""
    if isinstance(submission.command, PlaceBet | MakePayment):
        return submission.command.user_id
    return row.user_id if isinstance(row, Bet | Payment) else None


def read(wanted: Wanted) -> tuple[Query, list[object]]:
    """The read that fetches what is wanted, with its arguments.

    It returns kind, tenant and JSON document of every row, all of one snapshot; the heads
    in it tell whether what is remembered of the tenants still holds.
    """
    query = _users() if wanted.only_users else _everything()
    values: dict[str, object] = {"tenants": list(wanted.tenants)}
    for name in ("bets", "payments", "users", "keys"):
        pairs: list[Key] = sorted(getattr(wanted, name))
        values[f"{name}_tenant"] = [tenant_id for tenant_id, _ in pairs]
        values[f"{name}_key"] = [key for _, key in pairs]
    return query, query.arguments(**values)


@cache
def _users() -> Query:
    """The tenants' heads and the rows of the given users."""
    users = _given("users")
    touched = select(users.c.tenant_id, users.c.key.label("user_id")).cte("touched")
    return Query(
        union_all(_tenant_documents(), *(_of_touched(view, touched) for view in _USER_VIEWS))
    )


@cache
def _everything() -> Query:
    """All that deciding may need of a tenant.

    Bets and payments are found by id, by a taken key's resource and by the key they were
    made with; the users whose rows are wanted are the given ones and those of these bets
    and payments. Parameters `tenants`, and for each of `bets`, `payments`, `users` and
    `keys` two arrays of one length: `<name>_tenant` and `<name>_key`.
    """
    keys = _given("keys")
    claimed = (
        select(idempotency_keys)
        .join_from(idempotency_keys, keys, _is(idempotency_keys, "idempotency_key", keys))
        .cte("claimed")
    )
    named_bets = _named(bets_view, "bet_id", _given("bets"), claimed, keys)
    named_payments = _named(payments_view, "payment_id", _given("payments"), claimed, keys)
    users = _given("users")
    touched = union(
        select(users.c.tenant_id, users.c.key.label("user_id")),
        select(named_bets.c.tenant_id, named_bets.c.user_id),
        select(named_payments.c.tenant_id, named_payments.c.user_id),
    ).cte("touched")
    return Query(
        union_all(
            _tenant_documents(),
            _documents(claimed, idempotency_keys.name),
            _documents(named_bets, bets_view.name),
            _documents(named_payments, payments_view.name),
            *(_of_touched(view, touched) for view in _USER_VIEWS),
            _documents(tenants_summary_view, tenants_summary_view.name).where(
                tenants_summary_view.c.tenant_id == any_(_tenants())
            ),
        )
    )


@cache
def open_heads() -> Query:
    """Give tenants that never wrote their head; parameter `tenants`."""
    return Query(
        insert(tenant_heads)
        .from_select(["tenant_id"], select(tenants.c.id).where(tenants.c.id == any_(_tenants())))
        .on_conflict_do_nothing()
    )


@cache
def lock_heads() -> Query:
    """Lock the heads of tenants in their order; parameter `tenants`."""
    return Query(
        select(tenant_heads.c.tenant_id)
        .where(tenant_heads.c.tenant_id == any_(_tenants()))
        .order_by(tenant_heads.c.tenant_id)
        .with_for_update()
    )


def _tenants() -> ColumnElement[Any]:
    return bindparam("tenants", type_=ARRAY(BigInteger))


def _given(name: str) -> TableValuedAlias:
    return (
        func.unnest(
            bindparam(f"{name}_tenant", type_=ARRAY(BigInteger)),
            bindparam(f"{name}_key", type_=ARRAY(Text)),
        )
        .table_valued("tenant_id", "key")
        .render_derived(name=f"given_{name}")
    )


def _is(table: Table, column: str, given: TableValuedAlias) -> ColumnElement[bool]:
    return and_(table.c.tenant_id == given.c.tenant_id, table.c[column] == given.c.key)


def _named(
    view: Table, id_column: str, ids: TableValuedAlias, claimed: CTE, keys: TableValuedAlias
) -> CTE:
    by_claim = and_(
        view.c.tenant_id == claimed.c.tenant_id, view.c[id_column] == claimed.c.resource_id
    )
    return union(
        select(view).join_from(view, ids, _is(view, id_column, ids)),
        select(view).join_from(view, claimed, by_claim),
        select(view).join_from(view, keys, _is(view, "idempotency_key", keys)),
    ).cte(f"named_{view.name}")


def _documents(rows: Table | CTE, kind: str) -> Select[*tuple[Any, ...]]:
    document = cast(func.row_to_json(rows.table_valued()), Text)
    return select(
        literal_column(f"'{kind}'", Text).label("kind"),
        rows.c.tenant_id,
        document.label("document"),
    )


def _of_touched(view: Table, touched: CTE) -> Select[*tuple[Any, ...]]:
    is_touched = and_(view.c.tenant_id == touched.c.tenant_id, view.c.user_id == touched.c.user_id)
    return _documents(view, view.name).join_from(view, touched, is_touched)


def _tenant_documents() -> Select[*tuple[Any, ...]]:
    row = select(
        tenants.c.id,
        tenants.c.status,
        tenants.c.wallet,
        tenant_heads.c.position,
        func.encode(tenant_heads.c.hash, literal_column("'hex'")).label("hash"),
        tenant_heads.c.last_timestamp,
        tenant_heads.c.revision,
        tenants.c.id.label("tenant_id"),
    ).join_from(tenants, tenant_heads, tenants.c.id == tenant_heads.c.tenant_id)
    return _documents(row.where(tenants.c.id == any_(_tenants())).cte("heads"), tenants.name)
