"""`payments_view`: the present state of every deposit and withdrawal."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Index, Select, Table, Text, select

from domain.payment import Payment, PaymentStatus
from projections.change import PaymentChange, Projection
from projections.page import page_of_user, total_of
from projections.tables import INSTANT, MONEY, key, metadata, row_columns, tenant_id
from projections.user_activity import user_activity_view

payments_view: Final = Table(
    "payments_view",
    metadata,
    tenant_id(),
    key("payment_id"),
    Column("type", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("amount", MONEY, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("last_updated_at", INSTANT, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("idempotency_key", Text),
)
Index(
    "ux_payments_view_idempotency",
    payments_view.c.tenant_id,
    payments_view.c.idempotency_key,
    unique=True,
    postgresql_where=payments_view.c.idempotency_key.is_not(None),
)
Index(
    "ix_payments_view_user",
    payments_view.c.tenant_id,
    payments_view.c.user_id,
    payments_view.c.last_position.desc(),
)

projection: Final = Projection[Payment, PaymentChange](
    table=payments_view,
    row_type=Payment,
    changes=(PaymentChange,),
    key=lambda change: change.after.payment_id,
    fold=lambda _, change: change.after,
)

_COLUMNS: Final = row_columns(payments_view, Payment)


def of_user(status: PaymentStatus | None) -> Select[*tuple[Any, ...]]:
    """A page of a user's payments, newest change first, with the total.

    Parameters `tenant_id`, `user_id`, `before` (a position), `limit`.
    """
    counts = user_activity_view.c
    by_status = {
        "created": counts.payments_created,
        "completed": counts.payments_completed,
        "failed": counts.payments_failed,
    }
    total = by_status[status] if status else total_of(by_status.values())
    rows = select(*_COLUMNS)
    if status:
        rows = rows.where(payments_view.c.status == status)
    return page_of_user(rows, payments_view, total)
