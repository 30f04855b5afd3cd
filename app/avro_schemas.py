"""The Avro schemas of the events: the documents in avro/, which consumers outside rely on."""

import json
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from msgspec import Struct

from domain.events import STREAM_EVENTS, Stream

# A wheel holds the folder inside this package, a checkout and the container image beside it.
_PACKAGED: Final = Path(__file__).parent / "avro"
FOLDER: Final = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).parent.parent / "avro"
SUFFIX: Final = ".avsc"
NAMES: Final[dict[Stream, str]] = {stream: f"{stream}_event" for stream in STREAM_EVENTS}
"""The name of each stream's schema."""


class SchemaDocument(Struct, frozen=True):
    """A schema as its file holds it; `fingerprint` is the SHA-256 of the text in hexadecimal.

    Avro's own fingerprints leave out defaults and logical types, so they would stay the same
    through changes that readers notice.
    """

    name: str
    text: bytes
    fingerprint: str

    @property
    def schema(self) -> dict[str, Any]:
        """The schema, parsed as JSON."""
        return cast("dict[str, Any]", json.loads(self.text))


@cache
def documents() -> dict[str, SchemaDocument]:
    """The schema of each stream, by name."""
    return {name: _document(name) for name in NAMES.values()}


def releases(folder: Path = FOLDER) -> list[Path]:
    """The folders of the released versions, oldest first."""
    found = (folder / "released").glob("[0-9]*")
    return sorted(found, key=lambda release: int(release.name))


def union(schemas: list[dict[str, Any]]) -> list[Any]:
    """The union of record schemas of which each is complete in itself.

    A named type may be defined once in a schema: where it comes again, its name stands for it.
    """
    defined: set[str] = set()
    return [_once(schema, defined, schema.get("namespace", "")) for schema in schemas]


def _document(name: str) -> SchemaDocument:
    text = (FOLDER / f"{name}{SUFFIX}").read_bytes()
    return SchemaDocument(name, text, sha256(text).hexdigest())


def _once(schema: Any, defined: set[str], namespace: str) -> Any:
    if isinstance(schema, list):
        return [_once(branch, defined, namespace) for branch in cast("list[object]", schema)]
    if not isinstance(schema, dict):
        return schema
    members = cast("dict[str, Any]", schema)
    if members["type"] in {"record", "enum", "fixed"}:
        namespace = members.get("namespace", namespace)
        full_name = f"{namespace}.{members['name']}"
        if full_name in defined:
            return full_name
        defined.add(full_name)
    if members["type"] == "record":
        fields = [
            field | {"type": _once(field["type"], defined, namespace)}
            for field in members["fields"]
        ]
        return members | {"fields": fields}
    return members
