"""The tenants that a process remembers, as its last units of work leave them."""

from collections.abc import Iterable

from app.tenant_state import TenantState


class Memory:
    """Tenants by id, the most recently used ones last; never more than its limits.

    `rows` is the limit of each table, and of keys, over all tenants together, `users` that of
    the tables with a row a user, to whom bets come again and again: every tenant that is
    remembered has the same share of both.
    """

    def __init__(self, tenants: int, rows: int, users: int) -> None:
        self._tenant_limit = tenants
        self._row_limit = rows
        self._user_limit = users
        self._shares = 1
        self._states: dict[int, TenantState] = {}
        self._used: set[int] = set()

    def get(self, tenant_id: int) -> TenantState | None:
        """What is remembered of the tenant, if anything."""
        return self._states.get(tenant_id)

    def put(self, state: TenantState) -> None:
        """Remember `state` as the most recent."""
        self._states.pop(state.tenant.id, None)
        self._states[state.tenant.id] = state
        self._used.add(state.tenant.id)

    def trim(self) -> None:
        """Keep to the limits: the oldest tenants go, and the oldest rows of those used since.

        One with a batch under way has its turn next time.
        """
        while len(self._states) > self._tenant_limit:
            del self._states[next(iter(self._states))]
        shares = max(1, len(self._states))
        rows, users = max(1, self._row_limit // shares), max(1, self._user_limit // shares)
        # When tenants have come, those that rest make room too.
        used = self._used if shares <= self._shares else set(self._states)
        self._used = {
            tenant_id
            for tenant_id in used
            if (state := self._states.get(tenant_id)) and not state.trim(rows, users)
        }
        self._shares = shares

    def clear(self) -> None:
        """Drop everything."""
        self._states.clear()

    def forget(self, tenant_ids: Iterable[int]) -> None:
        """Drop what is remembered of these tenants."""
        for tenant_id in tenant_ids:
            self._states.pop(tenant_id, None)
