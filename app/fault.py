"""Something in a tenant's tables that is not what its log makes of it."""

from typing import TYPE_CHECKING

from msgspec import Struct

from app.complaint import Complaint

if TYPE_CHECKING:
    from app.event_log import Row


class Fault(Struct, frozen=True, kw_only=True):
    """Where a table is wrong: in which column of the row or event, and what is there.

    `key` tells the row; `position` is that of the event, of a row the last one that made it.
    `expected` and `found` are texts; None where there should be, or is, nothing.
    """

    tenant_id: int
    table: str
    column: str
    position: int | None = None
    key: str = ""
    expected: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        """One line that says it all."""
        row = f"{self.table} {self.key}".rstrip()
        at = "" if self.position is None else f", position {self.position}"
        values = f"is {_said(self.found)}, should be {_said(self.expected)}"
        return f"tenant {self.tenant_id}: {row}{at}, {self.column}: {values}"


class FaultFound(Complaint):
    """What is read cannot be relied on; `fault` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def of_row(tenant_id: int, row: "Row") -> Fault:
    """The fault in a row of `projections.oracle`'s rules."""
    return Fault(
        tenant_id=tenant_id,
        table=row["table_name"],
        column=row["column_name"],
        position=row["position"],
        key=row["key"],
        expected=row["due"],
        found=row["found"],
    )


def _said(value: str | None) -> str:
    return "missing" if value is None else value
