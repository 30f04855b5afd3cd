"""A quota: how many requests of one kind each tenant may make in a time."""

from math import ceil, floor
from typing import Final

from msgspec import Struct

MOST_TENANTS: Final = 10_000
SECOND: Final = 1_000_000_000  # in nanoseconds, in which all times are
_ROUNDING: Final = 1e-9  # that of floats: 0.29 a second are 29 in a hundred seconds
_OTHERS: Final = 0  # no tenant's id


class Allowance(Struct, frozen=True):
    """What a quota says to one request: whether it is `granted`, and what that leaves.

    `remaining` requests could follow at once, and one more after `wait_seconds`.
    """

    granted: bool
    remaining: int
    wait_seconds: int


class Quota:
    """Lets every tenant have `per_second` requests, and save up those of `burst_seconds`.

    Of each tenant it keeps the time at which all of the quota will be there again (the generic
    cell rate algorithm), and nothing once that has passed. Not more than `most_tenants` are
    kept: while so many have a part of their quotas to regain, all others share one, as
    whoever pushed somebody out would give him a whole quota anew.
    """

    def __init__(
        self, name: str, per_second: float, burst_seconds: int, most_tenants: int = MOST_TENANTS
    ) -> None:
        self.name: Final = name
        self.size: Final = max(1, floor(per_second * burst_seconds + _ROUNDING))
        self._each = max(1, round(SECOND / per_second))
        self._whole_again = {_OTHERS: 0}
        self._most_tenants = most_tenants
        self._swept_at = -SECOND

    @property
    def window_seconds(self) -> int:
        """How long it takes until a quota that was used up is whole again."""
        return ceil(self.size * self._each / SECOND)

    def spend(self, tenant_id: int, now: int) -> Allowance:
        """Count a request of the tenant, unless it is one too many; `now` never goes back."""
        holder = self._holder(tenant_id, now)
        whole_again = max(now, self._whole_again.get(holder, now)) + self._each
        owed = whole_again - now
        granted = owed <= self.size * self._each
        if granted:
            self._whole_again[holder] = whole_again
        else:
            owed -= self._each
        remaining = self.size - -(-owed // self._each)
        until_next = owed - (self.size - remaining - 1) * self._each
        return Allowance(granted, remaining, -(-until_next // SECOND))

    def _holder(self, tenant_id: int, now: int) -> int:
        if tenant_id in self._whole_again or self._has_room(now):
            return tenant_id
        return _OTHERS

    def _has_room(self, now: int) -> bool:
        if len(self._whole_again) <= self._most_tenants:
            return True
        if now - self._swept_at >= SECOND:  # going through all of them for each stranger is dear
            self._swept_at = now
            owing = {holder: at for holder, at in self._whole_again.items() if at > now}
            self._whole_again = {_OTHERS: 0} | owing
        return len(self._whole_again) <= self._most_tenants
