"""What of a statement others can tell: which tables it reads, locks rows of, and makes visible."""

import re
from typing import Final, NamedTuple

from projections import metadata
from projections.tenants import tenant_heads, tenants

TABLES: Final = frozenset(metadata.tables)
NOTHING: Final = frozenset[str]()

_NAMES: Final = re.compile(rf"\b({'|'.join(TABLES)})\b")
_WRITTEN: Final = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class Footprint(NamedTuple):
    """The tables that matter to others; none for what is of one session alone.

    What a statement has written others do not see before the COMMIT, which publishes it.
    """

    reads: frozenset[str] = NOTHING
    locks: frozenset[str] = NOTHING
    publishes: frozenset[str] = NOTHING

    def commutes_with(self, other: "Footprint") -> bool:
        """Whether it makes no difference which of two transactions' statements is the first."""
        return not (
            self.locks & other.locks
            or self.publishes & (other.reads | other.locks | other.publishes)
            or other.publishes & (self.reads | self.locks)
        )


def of_statement(text: str) -> Footprint:
    """The footprint of a statement in a transaction that sees what is committed."""
    reads = frozenset(_NAMES.findall(text))
    locks = {name for name in _WRITTEN.findall(text) if name in TABLES}
    if tenants.name in locks or (tenant_heads.name in reads and "FOR UPDATE" in text):
        locks.add(tenant_heads.name)  # a trigger of `tenants` counts its revision up
    return Footprint(reads, frozenset(locks))
