"""`idempotency_keys`: which keys are taken, by what request and with what outcome."""

from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    Column,
    Delete,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.sql import func

from projections.tables import key, metadata, of_tenant, tenant_id


class KeyRecord(Struct, frozen=True, kw_only=True):
    """What a key was used for.

    `fingerprint` maps each field of the request to its canonical text, or to a digest of it
    where it is long, so that a request that differs can be told which fields do. `command_id` is
    the one command that took the key: by it a command whose commit was not answered
    recognises itself. `problem` is the refusal that sticks to the key.
    """

    idempotency_key: str
    operation: str
    fingerprint: dict[str, str]
    resource_id: str
    command_id: str | None
    status: int
    problem: dict[str, Any] | None = None


idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    tenant_id(),
    key("idempotency_key"),
    Column("operation", Text, nullable=False),
    Column("fingerprint", JSONB, nullable=False),
    Column("resource_id", Text, nullable=False),
    Column("command_id", postgresql.UUID(as_uuid=True), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("problem", JSONB),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()),
)
# Rows arrive in the order of their age, so a block range index finds the old ones and costs
# an insert next to nothing.
Index("ix_idempotency_keys_created_at", idempotency_keys.c.created_at, postgresql_using="brin")


def prune() -> Delete:
    """Forget a tenant's keys taken before `cutoff`, at most `limit` of them.

    Parameters `tenant_id`, `cutoff` (an instant), `limit`.
    """
    old = (
        select(idempotency_keys.c.idempotency_key)
        .where(
            of_tenant(idempotency_keys.c.tenant_id),
            idempotency_keys.c.created_at < bindparam("cutoff", type_=TIMESTAMP(timezone=True)),
        )
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True)  # several processes may prune at once
    )
    return delete(idempotency_keys).where(
        of_tenant(idempotency_keys.c.tenant_id), idempotency_keys.c.idempotency_key.in_(old)
    )
