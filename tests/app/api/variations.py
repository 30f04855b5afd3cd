"""Every way in which an operation can be asked, as far as its query parameters go."""

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

from tests.app.api.documented import resolved
from tests.app.api.operations import Operation

# What is asked for where the document lists no values; a parameter unknown here is an error.
_VALUES: Final = {
    "limit": ("1",),
    "cursor": ("none",),
    "after": ("1",),
    "after_version": ("1",),
    "start_time": ("1",),
    "end_time": ("4000000000000",),
    "as_of": ("3", "{now}"),
    "wait": ("0",),
}


def variations(operation: Operation, at_once: int, **filled: str) -> Iterator[str]:
    """Each combination of the values of at most so many of an operation's query parameters."""
    described = operation.parameters("query")
    values = [(None, *_values(name, schema["schema"])) for name, schema in described.items()]
    for combination in product(*values):
        given = [pair for pair in zip(described, combination, strict=True) if pair[1]]
        if len(given) <= at_once:
            yield "&".join(f"{name}={value}" for name, value in given).format(**filled)


def _values(name: str, schema: dict[str, Any]) -> tuple[str, ...]:
    schema = resolved(schema)
    for option in schema.get("oneOf", [schema]):
        if listed := resolved(option).get("enum"):
            return tuple(value for value in listed if value)
    return _VALUES[name]
