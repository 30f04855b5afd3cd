"""The event schemas in avro/ know every event of their stream."""

import json
from pathlib import Path

import pytest
from fastavro.schema import parse_schema
from msgspec.structs import fields

from domain.events import EVENT_TYPE, STREAM_EVENTS, STREAM_OF, DomainEvent, Stream

AVRO = Path(__file__).parent.parent / "avro"


@pytest.mark.parametrize("event", STREAM_OF, ids=EVENT_TYPE.values())
def test_the_schema_of_its_stream_knows_an_event(event: type[DomainEvent]) -> None:
    schema = json.loads((AVRO / f"{STREAM_OF[event]}_event.avsc").read_text())
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert EVENT_TYPE[event] in types["event_type"]["symbols"]
    known = {field["name"] for field in types["event_data"]["fields"]}
    assert {field.name for field in fields(event)} <= known


@pytest.mark.parametrize("stream", STREAM_EVENTS)
def test_a_schema_names_the_event_types_of_its_stream_alone(stream: Stream) -> None:
    schema = json.loads((AVRO / f"{stream}_event.avsc").read_text())
    parse_schema(schema)
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert types["event_type"]["symbols"] == [
        "UNKNOWN",
        *(EVENT_TYPE[event] for event in STREAM_EVENTS[stream]),
    ]
    assert types["event_type"]["default"] == "UNKNOWN"
