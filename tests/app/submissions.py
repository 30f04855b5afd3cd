"""Commands as the service hands them to its committer, with everything valid unless told."""

from decimal import Decimal
from uuid import uuid4

from uuid_utils import uuid7

from app import fingerprint
from app.submission import Resource, Submission
from domain.bet import PlaceBet
from domain.decision import Command
from domain.payment import MakePayment, PaymentMode, PaymentType
from tests.conftest import EXTERNAL_TENANT


def submission(
    command: Command,
    resource: Resource,
    resource_id: str | None = None,
    *,
    tenant: int = EXTERNAL_TENANT,
    key: str | None = None,
    versions: frozenset[int] | None = None,
) -> Submission:
    """A submission of `command`; without `resource_id` it creates its resource."""
    command_id = str(uuid7())
    path = {} if resource_id is None else {f"{resource}_id": resource_id}
    return Submission(
        tenant_id=tenant,
        command=command,
        command_id=command_id,
        resource=resource,
        resource_id=resource_id or f"{resource}-{command_id}",
        idempotency_key=key or f"key-{uuid4()}",
        fingerprint=fingerprint.of_command(command, **path),
        expected_versions=versions,
    )


def place(
    tenant: int = EXTERNAL_TENANT,
    user_id: str = "user-1",
    stake: str = "10.5",
    *,
    odds: str = "2.1",
    key: str | None = None,
) -> Submission:
    """Place a bet."""
    command = PlaceBet(
        user_id=user_id, stake=Decimal(stake), odds=Decimal(odds), fixture_id="fixture-7"
    )
    return submission(command, "bet", tenant=tenant, key=key)


def pay(
    tenant: int = EXTERNAL_TENANT,
    user_id: str = "user-1",
    amount: str = "100",
    kind: PaymentType = "deposit",
    *,
    mode: PaymentMode | None = None,
    key: str | None = None,
) -> Submission:
    """Make a payment, by default an instant deposit."""
    command = MakePayment(user_id=user_id, amount=Decimal(amount), type=kind, mode=mode)
    return submission(command, "payment", tenant=tenant, key=key)
