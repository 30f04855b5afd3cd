"""The tenants, and the head of each tenant's log."""

from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Select,
    Table,
    Text,
    UniqueConstraint,
    any_,
    bindparam,
    select,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.sql import func, text

from projections.tables import metadata

tenants: Final = Table(
    "tenants",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    Column("plan", Text, nullable=False, server_default=text("'basic'")),
    Column("wallet", Text, nullable=False, server_default=text("'external'")),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("slug", name="ux_tenants_slug"),
    CheckConstraint("id > 0", name="id_positive"),
    CheckConstraint("status IN ('active', 'suspended')", name="status_known"),
    CheckConstraint("wallet IN ('external', 'internal')", name="wallet_known"),
)

# One row a tenant: who moves it from the position he expects owns the next positions.
# `revision` moves with whatever changes what decisions rest on without an event.
tenant_heads: Final = Table(
    "tenant_heads",
    metadata,
    Column(
        "tenant_id", BigInteger, ForeignKey(tenants.c.id), primary_key=True, autoincrement=False
    ),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("hash", LargeBinary, nullable=False, server_default=text(r"'\x'::bytea")),
    Column("last_timestamp", BigInteger, nullable=False, server_default=text("0")),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
)


def positions() -> Select[*tuple[Any, ...]]:
    """The position of the last event of each of `tenants`, those without a head left out."""
    heads = tenant_heads.c
    given = any_(bindparam("tenants", type_=ARRAY(BigInteger)))
    return select(heads.tenant_id, heads.position).where(heads.tenant_id == given)
