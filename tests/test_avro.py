"""The event schemas in avro/ know every event of their stream."""

import json
from pathlib import Path

import pytest
from fastavro.schema import parse_schema
from msgspec.structs import fields

from domain.events import EVENT_TYPE, STREAM_EVENTS, Stream

AVRO = Path(__file__).parent.parent / "avro"


@pytest.mark.parametrize("stream", STREAM_EVENTS)
def test_a_schema_names_every_event_type_of_its_stream(stream: Stream) -> None:
    schema = json.loads((AVRO / f"{stream}_event.avsc").read_text())
    parse_schema(schema)
    types = {field["name"]: field["type"] for field in schema["fields"]}
    assert types["event_type"]["symbols"] == [
        "UNKNOWN",
        *(EVENT_TYPE[event] for event in STREAM_EVENTS[stream]),
    ]
    assert types["event_type"]["default"] == "UNKNOWN"


@pytest.mark.parametrize("stream", STREAM_EVENTS)
def test_a_schema_has_every_field_of_every_event_of_its_stream(stream: Stream) -> None:
    schema = json.loads((AVRO / f"{stream}_event.avsc").read_text())
    types = {field["name"]: field["type"] for field in schema["fields"]}
    known = {field["name"] for field in types["event_data"]["fields"]}
    needed = {field.name for event in STREAM_EVENTS[stream] for field in fields(event)}
    assert needed == known
