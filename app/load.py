"""The reads that fetch, in one snapshot, what a batch is decided on."""

from functools import cache
from typing import Any

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

from app.query import Query
from app.wanted import TENANT_VIEWS, USER_VIEWS, Key, Wanted
from projections import tenant_heads, tenants
from projections.bets import bets_view
from projections.idempotency_keys import idempotency_keys
from projections.payments import payments_view
from projections.row_security import Rows, named, of_many


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
    """The tenants' heads and totals, and the rows of the given users."""
    users = _given("users")
    touched = select(users.c.tenant_id, users.c.key.label("user_id")).cte("touched")
    return _named(
        union_all(
            _tenant_documents(),
            *(_of_touched(view, touched) for view in USER_VIEWS),
            *(_of_tenants(view) for view in TENANT_VIEWS),
        )
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
    named_bets = _found(bets_view, "bet_id", _given("bets"), claimed, keys)
    named_payments = _found(payments_view, "payment_id", _given("payments"), claimed, keys)
    users = _given("users")
    touched = union(
        select(users.c.tenant_id, users.c.key.label("user_id")),
        select(named_bets.c.tenant_id, named_bets.c.user_id),
        select(named_payments.c.tenant_id, named_payments.c.user_id),
    ).cte("touched")
    return _named(
        union_all(
            _tenant_documents(),
            _documents(claimed, idempotency_keys.name),
            _documents(named_bets, bets_view.name),
            _documents(named_payments, payments_view.name),
            *(_of_touched(view, touched) for view in USER_VIEWS),
            *(_of_tenants(view) for view in TENANT_VIEWS),
        )
    )


@cache
def made_by() -> Query:
    """The tenants in which a bet or a payment was made by one of the given keys.

    Parameters `tenants`, and for each of `bets` and `payments` two arrays of one length:
    `<name>_tenant` and `<name>_key`.
    """
    return _named(
        union_all(
            *(
                select(view.c.tenant_id).join_from(view, keys, _is(view, "idempotency_key", keys))
                for view, keys in (
                    (bets_view, _given("bets")),
                    (payments_view, _given("payments")),
                )
            )
        )
    )


@cache
def open_heads() -> Query:
    """Give tenants that never wrote their head; parameter `tenants`."""
    there = select(tenants.c.id).where(tenants.c.id == any_(_tenants()))
    return Query(
        insert(tenant_heads)
        .from_select(["tenant_id"], named(there, of_many("tenants")))
        .on_conflict_do_nothing()
    )


@cache
def lock_heads() -> Query:
    """Lock the heads of tenants in their order, and return them; parameter `tenants`."""
    return _named(
        select(tenant_heads)
        .where(tenant_heads.c.tenant_id == any_(_tenants()))
        .order_by(tenant_heads.c.tenant_id)
        .with_for_update()
    )


def _named(rows: Rows) -> Query:
    return Query(named(rows, of_many("tenants")))


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


def _found(
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


def _of_tenants(view: Table) -> Select[*tuple[Any, ...]]:
    return _documents(view, view.name).where(view.c.tenant_id == any_(_tenants()))


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
