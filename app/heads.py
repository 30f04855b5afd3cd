"""The head of one tenant's log, read, held and outdated by work beside the service's."""

from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from app.audit import Audit
from app.fault import Fault, FaultFound
from app.query import Query
from projections import tenant_heads
from projections.tables import of_tenant

if TYPE_CHECKING:
    from app.event_log import Connection

_READ: Final = select(tenant_heads).where(of_tenant(tenant_heads.c.tenant_id))
_HEAD: Final = Query(_READ)
_LOCK: Final = Query(_READ.with_for_update())


def _outdating() -> Query:
    new = insert(tenant_heads).values(
        tenant_id=bindparam("tenant_id", type_=BigInteger), revision=1
    )
    return Query(
        new.on_conflict_do_update(
            index_elements=[tenant_heads.c.tenant_id],
            set_={"revision": tenant_heads.c.revision + 1},
        )
    )


_OUTDATE: Final = _outdating()


async def check(connection: "Connection", audit: Audit) -> None:
    """Make sure that the head is where the log ends. Raises `FaultFound`."""
    head = await connection.fetchrow(_HEAD.text, *_HEAD.arguments(tenant_id=audit.tenant_id))
    ends = {"position": audit.position, "hash": audit.hash, "last_timestamp": audit.timestamp}
    if head is None and audit.position == 0:
        return
    for column, expected in ends.items():
        found = head and head[column]
        if found != expected:
            raise FaultFound(
                Fault(
                    tenant_id=audit.tenant_id,
                    table=tenant_heads.name,
                    column=column,
                    position=audit.position,
                    expected=_said(expected),
                    found=None if head is None else _said(found),
                )
            )


async def hold(connection: "Connection", tenant_id: int) -> None:
    """Keep everybody from moving the head until the transaction ends."""
    await connection.execute(_LOCK.text, *_LOCK.arguments(tenant_id=tenant_id))


async def outdate(connection: "Connection", tenant_id: int) -> None:
    """Make every process forget what it remembers of the tenant, before its next commit."""
    await connection.execute(_OUTDATE.text, *_OUTDATE.arguments(tenant_id=tenant_id))


def _said(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
