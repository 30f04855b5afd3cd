"""The read side: every table of the service, and the folds that fill the five views."""

from typing import Any, Final

from projections import (
    bets,
    payments,
    snapshots,
    tenants_summary,
    user_activity,
    user_balances,
)
from projections.change import BalanceChange, BetChange, Change, PaymentChange, Projection
from projections.events import EVENT_TABLES
from projections.idempotency_keys import idempotency_keys
from projections.tables import metadata
from projections.tenants import tenant_heads, tenants

__all__ = (
    "EVENT_TABLES",
    "FOLDS",
    "PROJECTIONS",
    "idempotency_keys",
    "metadata",
    "snapshots",
    "tenant_heads",
    "tenants",
)

PROJECTIONS: Final[tuple[Projection[Any, Any], ...]] = (
    bets.projection,
    payments.projection,
    user_balances.projection,
    tenants_summary.projection,
    user_activity.projection,
)

FOLDS: Final[dict[type[Change], tuple[Projection[Any, Any], ...]]] = {
    kind: tuple(projection for projection in PROJECTIONS if kind in projection.changes)
    for kind in (BetChange, PaymentChange, BalanceChange)
}
"""Who folds a change, by its kind."""
