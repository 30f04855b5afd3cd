"""What was read for a batch, put together by tenant."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app import fingerprint
from app.submission import CREATED, OPERATIONS
from app.tenant_state import Head, Rows, TenantState
from app.wanted import TENANT_VIEWS, USER_VIEWS, Wanted
from domain.bet import Bet, PlaceBet
from domain.payment import MakePayment, Payment
from domain.tenant import Tenant, TenantStatus, Wallet
from projections import PROJECTIONS, tenants
from projections.bets import bets_view
from projections.change import TENANT_KEY
from projections.idempotency_keys import KeyRecord, idempotency_keys
from projections.payments import payments_view


class _TenantRow(Struct, frozen=True):
    id: int
    status: TenantStatus
    wallet: Wallet
    position: int
    hash: str
    last_timestamp: int
    revision: int


_TENANTS: Final = Decoder(_TenantRow)
_KEYS: Final = Decoder(KeyRecord, float_hook=Decimal)  # a refusal may hold amounts
_ROWS: Final = {projection.table.name: Decoder(projection.row_type) for projection in PROJECTIONS}
_KEY_FIELD: Final = {projection.table.name: projection.key_column for projection in PROJECTIONS}


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
        for tenant_id in wanted.tenants:
            for view in TENANT_VIEWS:
                self._of(tenant_id, view.name)[TENANT_KEY] = None

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
        field = _KEY_FIELD[table]
        key = getattr(row, field) if field else TENANT_KEY
        self._of(tenant_id, table)[key] = row
        if isinstance(row, Bet | Payment):
            self._know_user(tenant_id, row.user_id)
            self._take_late_key(tenant_id, row)

    def _take_late_key(self, tenant_id: int, row: Bet | Payment) -> None:
        """A key that was pruned still stands in the view, with the request it was used for."""
        operation: type[PlaceBet | MakePayment]
        if isinstance(row, Bet):
            operation, given, resource_id = PlaceBet, fingerprint.of_bet(row), row.bet_id
        else:
            operation, given, resource_id = (
                MakePayment,
                fingerprint.of_payment(row),
                row.payment_id,
            )
        # The view keeps the keys of creations: another operation with such a key is not known.
        wanted = self._wanted.keys.get((tenant_id, row.idempotency_key), ())
        if OPERATIONS[operation] not in wanted:
            return
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
        for view in USER_VIEWS:
            self._of(tenant_id, view.name).setdefault(user_id, None)

    def _of(self, tenant_id: int, table: str) -> Rows:
        return self._rows.setdefault((tenant_id, table), {})

    def _complete(self, tenant_id: int, state: TenantState) -> None:
        for table in state.rows:
            state.rows[table] = self._rows.get((tenant_id, table), {})
        state.keys = self._keys.get(tenant_id, {})
