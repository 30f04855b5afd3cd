"""The hash of an event, which must stay what it was when the event was written."""

from typing import Final

from msgspec.structs import replace

from app.chain import seal
from domain.recorded import Metadata, Recorded
from tests.domain.examples import NOON, PLACED

# Written by the first release, whose metadata had these two members only.
PLACED_THEN: Final = Recorded(
    tenant_id=10001,
    position=7,
    id="01936f5a-7c3e-7b1d-9a2f-3d5e8c1b4a60",
    aggregate_id="bet-1",
    version=1,
    timestamp=NOON,
    idempotency_key="key-7",
    metadata=Metadata(correlation_id="trace-7", related_to="payment-1"),
    event=PLACED,
)
HASH: Final = "349289339914319548906020c6b349697e9bccf8dbc77929f005ec1ca610b87b"
HASH_WITHOUT_METADATA: Final = "1409a18df88296af6ecd8cf4b44bb4bdf5ab60bf45d506e2a26194e2c869aab4"


def test_an_event_keeps_the_hash_that_it_had_before_metadata_grew() -> None:
    assert seal(PLACED_THEN, b"before").hash.hex() == HASH
    bare = replace(PLACED_THEN, metadata=Metadata())
    assert seal(bare, b"before").hash.hex() == HASH_WITHOUT_METADATA


def test_every_member_of_the_metadata_is_covered() -> None:
    hashes = {seal(PLACED_THEN, b"before").hash}
    for name in Metadata.__struct_fields__:
        changed = replace(PLACED_THEN.metadata, **{name: "another"})
        hashes.add(seal(replace(PLACED_THEN, metadata=changed), b"before").hash)
    assert len(hashes) == 1 + len(Metadata.__struct_fields__)
