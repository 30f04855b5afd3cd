"""The gate that a change of the Avro schemas has to pass, and the events of every release."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias, cast

import fastavro
import pytest

from app import avro_events, avro_gate, avro_schemas
from app.avro_schemas import FOLDER, NAMES, documents, releases
from app.chain import seal
from tests import corpus
from tests.app.processes import BASE, ROOT

Schema: TypeAlias = dict[str, Any]
Edit: TypeAlias = Callable[[Schema], object]

RELEASES = releases()
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)


def field(schema: Schema, path: str) -> Schema:
    """The field at a path of names."""
    first, _, rest = path.partition(".")
    found: Schema = next(each for each in schema["fields"] if each["name"] == first)
    return field(found["type"], rest) if rest else found


def symbols(schema: Schema) -> list[str]:
    """The event types."""
    listed: list[str] = field(schema, "event_type")["type"]["symbols"]
    return listed


def swap(listed: list[str], first: int, second: int) -> None:
    listed[first], listed[second] = listed[second], listed[first]


def decimal_of(schema: Schema) -> Schema:
    """The type of the stake, without the null."""
    found: Schema = field(schema, "event_data.stake")["type"][1]
    return found


def add_field(**members: object) -> Edit:
    return lambda schema: field(schema, "event_data")["type"]["fields"].append(members)


def faults_after(folder: Path, edit: Edit) -> list[str]:
    """What the gate says once the schema of the bets is edited."""
    copied = folder / "avro"
    shutil.copytree(FOLDER, copied)
    file = copied / "bet_event.avsc"
    schema = json.loads(file.read_text())
    edit(schema)
    file.write_text(json.dumps(schema))
    return avro_gate.faults(copied)


def test_the_schemas_of_now_pass() -> None:
    assert avro_gate.faults() == []


BREAKS: dict[str, tuple[Edit, str]] = {
    "a removed symbol": (
        lambda schema: symbols(schema).remove("V1_BETS_BET_CANCELLED"),
        (
            "event_type lacks the symbol V1_BETS_BET_CANCELLED: newer readers do not know it in"
            " older records"
        ),
    ),
    "a removed symbol in the middle": (
        lambda schema: symbols(schema).remove("V1_BETS_BET_SETTLED"),
        (
            "event_type lacks the symbol V1_BETS_BET_SETTLED: newer readers do not know it in"
            " older records"
        ),
    ),
    "a renamed symbol": (
        lambda schema: symbols(schema).__setitem__(2, "V1_BETS_BET_ACCEPTED"),
        (
            "event_type has V1_BETS_BET_ACCEPTED in place of V1_BETS_BET_CONFIRMED: older records"
            " and readers have the old name"
        ),
    ),
    "reordered symbols": (
        lambda schema: swap(symbols(schema), 2, 3),
        (
            "event_type has V1_BETS_BET_SETTLED before V1_BETS_BET_CONFIRMED: the order of symbols"
            " is what the bytes count by"
        ),
    ),
    "a new symbol that is not the last": (
        lambda schema: symbols(schema).insert(4, "V1_BETS_BET_VOIDED"),
        (
            "event_type has the new symbol V1_BETS_BET_VOIDED before V1_BETS_BET_CANCELLED: new"
            " symbols go at the end"
        ),
    ),
    "an enum without its default": (
        lambda schema: field(schema, "event_type")["type"].pop("default"),
        (
            "event_type changed its default from UNKNOWN to none: symbols that a reader does not"
            " know mean something else"
        ),
    ),
    "an enum with another default": (
        lambda schema: field(schema, "event_type")["type"].update(default="V1_BETS_BET_PLACED"),
        (
            "event_type changed its default from UNKNOWN to V1_BETS_BET_PLACED: symbols that a"
            " reader does not know mean something else"
        ),
    ),
    "a new field without a default": (
        add_field(name="channel", type="string"),
        "event_data.channel is new and has no default: newer readers miss it in older records",
    ),
    "a default that is gone": (
        lambda schema: field(schema, "event_data.reason").pop("default"),
        (
            "event_data.reason lost its default: newer readers miss it in records from before the"
            " field"
        ),
    ),
    "a changed default": (
        lambda schema: field(schema, "event_data.reason").update(
            type=["string", "null"], default="none"
        ),
        (
            "event_data.reason changed its default from None to 'none': records without it mean"
            " something else from now on"
        ),
    ),
    "a removed field": (
        lambda schema: schema["fields"].remove(field(schema, "hash")),
        "hash was removed: older readers miss it",
    ),
    "a renamed field": (
        lambda schema: field(schema, "event_data.payout").update(name="paid_out"),
        "event_data.payout was removed: older readers miss it",
    ),
    "a changed type": (
        lambda schema: field(schema, "version").update(type="int"),
        "version changed its type from long to int: a value of one is none of the other",
    ),
    "a null that is not allowed any more": (
        lambda schema: field(schema, "event_data.user_id").update(type=["string"], default=""),
        (
            "event_data.user_id changed its type from [null, string] to [string]: a value of one is"
            " none of the other"
        ),
    ),
    "another scale": (
        lambda schema: decimal_of(schema).update(scale=2),
        (
            "event_data.stake changed its type from [null, bytes logicalType decimal precision 20"
            " scale 4] to [null, bytes logicalType decimal precision 20 scale 2]: a value of one"
            " is none of the other"
        ),
    ),
    "another name of the record": (
        lambda schema: schema.update(name="Bet"),
        (
            "the record changed its type from record stakebook.BetEvent to record stakebook.Bet:"
            " a value of one is none of the other"
        ),
    ),
}


@pytest.mark.parametrize(("edit", "said"), BREAKS.values(), ids=BREAKS)
def test_a_change_that_breaks_is_named_with_its_place(
    tmp_path: Path, edit: Edit, said: str
) -> None:
    line = f"avro/bet_event.avsc: {said} (release {RELEASES[0].name})"
    assert line in faults_after(tmp_path, edit)


ADDITIONS: dict[str, Edit] = {
    "a symbol at the end": lambda schema: symbols(schema).append("V1_BETS_BET_VOIDED"),
    "a field with a default": add_field(name="channel", type=["null", "string"], default=None),
    "another description": lambda schema: schema.update(doc="Something else."),
}


@pytest.mark.parametrize("edit", ADDITIONS.values(), ids=ADDITIONS)
def test_a_change_that_breaks_nothing_passes(tmp_path: Path, edit: Edit) -> None:
    assert faults_after(tmp_path, edit) == []


def test_a_schema_that_is_gone_is_named(tmp_path: Path) -> None:
    copied = tmp_path / "avro"
    shutil.copytree(FOLDER, copied)
    (copied / "bet_event.avsc").unlink()
    assert avro_gate.faults(copied)[0] == "avro/bet_event.avsc: is gone (release 1)"


def test_what_is_no_schema_is_named(tmp_path: Path) -> None:
    (line,) = faults_after(tmp_path, add_field(name="channel", type="text", default=""))
    assert line.startswith("avro/bet_event.avsc: is no schema: ")


def test_every_release_is_compared(tmp_path: Path) -> None:
    copied = tmp_path / "avro"
    shutil.copytree(FOLDER, copied)
    shutil.copytree(RELEASES[-1], copied / "released" / "10")
    file = copied / "payment_event.avsc"
    file.write_text(file.read_text().replace('"version"', '"revision"'))
    lines = avro_gate.faults(copied)
    assert {line.rpartition("(")[2] for line in lines} >= {"release 1)", "release 10)"}


def test_the_command_ends_with_status_0_and_says_nothing() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "app.avro_gate"], cwd=ROOT, env=BASE, capture_output=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (b"", b"")


def union_of(folder: Path) -> list[Any]:
    """The union of the schemas in a folder."""
    files = [folder / f"{name}.avsc" for name in NAMES.values()]
    return avro_schemas.union([json.loads(file.read_text()) for file in files])


@each_release
def test_the_events_of_a_release_are_read_chained_and_folded_to_the_rows_known_then(
    release: Path,
) -> None:
    with (release / corpus.EVENTS).open("rb") as file:
        log = list(avro_events.decode(file))
    previous = b""
    for position, each in enumerate(log, 1):
        assert each.recorded.position == position
        assert seal(each.recorded, previous).hash == each.hash
        previous = each.hash
    assert corpus.rows(log) == json.loads((release / corpus.ROWS).read_text())


@each_release
def test_the_events_of_a_release_are_of_every_type_and_in_its_own_schemas(release: Path) -> None:
    with (release / corpus.EVENTS).open("rb") as file:
        records: Any = cast("Any", fastavro).reader(file)
        written: list[Schema] = json.loads(records.metadata["avro.schema"])
        parsed: Any = fastavro.parse_schema(union_of(release))
        for branch, expected in zip(written, parsed, strict=True):
            assert branch.items() <= expected.items()
        types = {record["event_type"] for record in records}
    known = {
        symbol
        for branch in union_of(release)
        for symbol in field(branch, "event_type")["type"]["symbols"]
    }
    assert types == known - {"UNKNOWN"}


@each_release
def test_a_reader_of_a_release_understands_what_is_written_now(release: Path) -> None:
    written = corpus.events()
    reader = fastavro.reader(
        BytesIO(avro_events.encode(written)), reader_schema=fastavro.parse_schema(union_of(release))
    )
    records = [record for record in reader if isinstance(record, dict)]
    assert [record["position"] for record in records] == [
        each.recorded.position for each in written
    ]
    symbols_then = {
        symbol
        for branch in union_of(release)
        for symbol in field(branch, "event_type")["type"]["symbols"]
    }
    for record in records:
        assert record["event_type"] in symbols_then
        assert record["event_name"]


def test_there_is_a_release_of_every_schema() -> None:
    assert RELEASES
    for release in RELEASES:
        assert {file.stem for file in release.glob("*.avsc")} <= documents().keys()
        assert (release / corpus.EVENTS).exists()
