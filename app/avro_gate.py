"""The gate that a change of the Avro schemas has to pass: `python -m app.avro_gate`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
from fastavro.schema import SchemaParseException, UnknownType, parse_schema

from app.avro_compatibility import breaks
from app.avro_schemas import FOLDER, SUFFIX, releases

_INVALID: Final = (SchemaParseException, UnknownType, ValueError, KeyError)


def faults(folder: Path = FOLDER) -> list[str]:
    """A line for each change that breaks readers or writers of a released version.

    Every schema in `folder` is compared with that of its name in each release, in both
    directions. A line names the file, the path in the schema, the reason and the release.
    """
    found = [fault for name in _names(folder) if (fault := _invalid(folder / name))]
    return found or [line for release in releases(folder) for line in _against(folder, release)]


def _names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob(f"*{SUFFIX}"))


def _against(folder: Path, release: Path) -> Iterator[str]:
    for name in _names(release):
        if not (folder / name).exists():
            yield f"avro/{name}: is gone (release {release.name})"
            continue
        for path, reason in breaks(_schema(release / name), _schema(folder / name)):
            yield f"avro/{name}: {path or 'the record'} {reason} (release {release.name})"


def _invalid(file: Path) -> str | None:
    try:
        parse_schema(_schema(file))
    except _INVALID as error:
        return f"avro/{file.name}: is no schema: {error}"
    return None


def _schema(file: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_bytes())
    return schema


def main() -> None:
    """Say every fault on a line of its own; exit status 1 if there is one."""
    found = faults()
    for line in found:
        click.echo(line, err=True)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
