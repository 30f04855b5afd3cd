"""Events as Avro records: every type and every value comes back as it was."""

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any, cast

import fastavro
import pytest
from msgspec import ValidationError

from app import avro_events
from app.avro_events import SCHEMA, UnknownEvent, from_avro, to_avro
from app.chain import seal
from app.event_log import Logged
from domain import money
from domain.balance import BalanceDecreased, BalanceIncreased
from domain.bet import BetCancelled, BetPlaced, BetSettled
from domain.events import EVENT_TYPE, DomainEvent
from domain.payment import DepositFailed
from domain.recorded import Metadata, Recorded
from tests.domain import examples

LONGEST = "🎲" * 128
FULL = Metadata(**dict.fromkeys(Metadata.__struct_fields__, "~" * 128))
EXAMPLES: Sequence[DomainEvent] = (
    examples.PLACED,
    BetPlaced(user_id=LONGEST, stake=money.LIMIT, odds=money.LIMIT, fixture_id='a "b" \\ é'),
    BetPlaced(user_id="u", stake=money.UNIT, odds=1 + money.UNIT, fixture_id=" "),
    examples.CONFIRMED,
    examples.WON,
    examples.LOST,
    BetSettled(result="win", payout=money.LIMIT),
    examples.CANCELLED,
    BetCancelled(),
    BetCancelled(reason=LONGEST),
    examples.DEPOSIT_CREATED,
    examples.DEPOSIT_COMPLETED,
    examples.DEPOSIT_FAILED,
    DepositFailed(user_id="u", amount=money.UNIT, payment_id="payment-1"),
    examples.WITHDRAWAL_CREATED,
    examples.WITHDRAWAL_COMPLETED,
    examples.WITHDRAWAL_FAILED,
    examples.INCREASED,
    examples.DECREASED,
    BalanceIncreased(user_id=LONGEST, amount=money.LIMIT, bet_id="bet-1"),
    BalanceDecreased(user_id="u", amount=money.UNIT, payment_id="payment-1"),
)


def logged(event: DomainEvent, **fields: object) -> Logged:
    """The event as the log holds it, chained to nothing."""
    values = {
        "tenant_id": 10001,
        "position": 1,
        "id": "01936f5a-7c3e-7b1d-9a2f-3d5e8c1b4a60",
        "aggregate_id": "bet-01936f5a-7c3e-7b1d-9a2f-3d5e8c1b4a60",
        "version": 1,
        "timestamp": examples.NOON + 7,
        "idempotency_key": "key-1",
        "metadata": Metadata(),
    }
    recorded = Recorded(**(values | fields), event=event)  # type: ignore[arg-type]  # of any kind
    return Logged(recorded, seal(recorded, b"").hash)


def content_of(container: bytes) -> bytes:
    """The records of a container, one after the other, without compression."""
    blocks: Any = fastavro.block_reader(BytesIO(container))
    return b"".join(block.bytes_.getvalue() for block in blocks)


def read_back(*events: Logged) -> list[Logged]:
    """What comes back of events that were written to a container."""
    return list(avro_events.decode(BytesIO(avro_events.encode(events))))


@pytest.mark.parametrize("event_class", EVENT_TYPE, ids=EVENT_TYPE.values())
def test_an_event_comes_back_as_it_was(event_class: type[DomainEvent]) -> None:
    events = [logged(event) for event in EXAMPLES if type(event) is event_class]
    assert events, f"{EVENT_TYPE[event_class]} has no example"
    back = read_back(*events)
    assert back == events
    assert [seal(each.recorded, b"").hash for each in back] == [each.hash for each in events]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tenant_id", 2**63 - 1),
        ("position", 2**63 - 1),
        ("version", 2**63 - 1),
        ("timestamp", 0),
        ("timestamp", 253_402_300_799_999),
        ("aggregate_id", f"balance-{LONGEST}"),
        ("idempotency_key", "~" * 255),
        ("metadata", Metadata(correlation_id="!" * 128, related_to="bet-1")),
    ],
)
def test_what_accompanies_an_event_comes_back_at_its_limits(field: str, value: object) -> None:
    written = logged(examples.PLACED, **{field: value})
    (back,) = read_back(written)
    assert getattr(back.recorded, field) == value
    assert back == written


@pytest.mark.parametrize("field", Metadata.__struct_fields__)
def test_the_schemas_have_every_field_of_the_metadata(field: str) -> None:
    written = logged(examples.PLACED, metadata=Metadata(**{field: "value"}))
    assert to_avro(written)[1]["metadata"][field] == "value"
    assert read_back(written) == [written]


def test_amounts_come_back_with_their_four_decimals() -> None:
    (back,) = read_back(logged(examples.LOST))
    assert isinstance(back.recorded.event, BetSettled)
    assert str(back.recorded.event.payout) == "0.0000"


def test_events_of_all_streams_share_a_container_in_their_order() -> None:
    events = [logged(event, position=position) for position, event in enumerate(EXAMPLES, 1)]
    assert read_back(*events) == events


def test_a_container_may_be_empty() -> None:
    assert read_back() == []


def test_the_bytes_are_those_that_fastavro_writes_in_strict_mode() -> None:
    events = [logged(event, position=10**9, metadata=FULL) for event in EXAMPLES]
    events += [logged(event, tenant_id=2**63 - 1) for event in EXAMPLES]
    expected = BytesIO()
    cast("Any", fastavro).writer(expected, SCHEMA, map(to_avro, events), strict=True)
    assert content_of(avro_events.encode(events)) == content_of(expected.getvalue())


def test_what_is_read_without_logical_types_is_what_fastavro_reads_with_them() -> None:
    events = [logged(event, metadata=FULL) for event in EXAMPLES]
    records = fastavro.reader(BytesIO(avro_events.encode(events)))
    assert [from_avro(record) for record in records if isinstance(record, dict)] == events


@pytest.mark.parametrize("amount", ["0.00001", "10000000000000000"])
def test_an_amount_beyond_the_money_scale_is_refused(amount: str) -> None:
    event = BetSettled(result="win", payout=Decimal(amount))
    with pytest.raises(ValueError, match="does not fit into 20 digits"):
        avro_events.encode([logged(event)])


def test_an_event_of_a_newer_version_is_told_by_its_name() -> None:
    _, record = to_avro(logged(examples.PLACED))
    newer = record | {"event_type": "UNKNOWN", "event_name": "v2.bets.bet.placed"}
    with pytest.raises(UnknownEvent, match=r"v2\.bets\.bet\.placed"):
        from_avro(newer)


def test_an_event_without_what_its_type_requires_is_refused() -> None:
    file = BytesIO(avro_events.encode([logged(examples.PLACED)]))
    (record,) = fastavro.reader(file)
    assert isinstance(record, dict)
    with pytest.raises(ValidationError, match="stake"):
        from_avro(record | {"event_data": record["event_data"] | {"stake": None}})
