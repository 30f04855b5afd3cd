"""The tenants that a process remembers, as its last units of work leave them."""

from collections.abc import Iterable

from app.tenant_state import TenantState


class Memory:
    """Tenants by id, the most recently used ones last; never more than its limits."""

    def __init__(self, tenants: int, rows: int) -> None:
        self._tenant_limit = tenants
        self._row_limit = rows
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
        """Keep to the limits: the oldest rows of the tenants used since, the oldest tenants go."""
        for tenant_id in self._used:
            if state := self._states.get(tenant_id):
                state.trim(self._row_limit)
        self._used.clear()
        while len(self._states) > self._tenant_limit:
            del self._states[next(iter(self._states))]

    def clear(self) -> None:
        """Drop everything."""
        self._states.clear()

    def forget(self, tenant_ids: Iterable[int]) -> None:
        """Drop what is remembered of these tenants."""
        for tenant_id in tenant_ids:
            self._states.pop(tenant_id, None)
