"""What keeps two versions of an Avro schema from reading each other's records.

Stricter than Avro's own resolution, which lets a field or a symbol vanish wherever a default
stands in for it: nothing that was released goes away or changes its meaning. What may be added
is a field that has a default, and a symbol at the end of an enum that has one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias, cast

Schema: TypeAlias = str | list[Any] | dict[str, Any]

_NAMED: Final = ("record", "enum", "fixed")
# What a type says beside its name and its parts; the rest (doc, aliases) reads no bytes.
_ATTRIBUTES: Final = ("logicalType", "precision", "scale", "size")


class Break(NamedTuple):
    """A change that breaks readers: the field's path in the schema, and what it does."""

    path: str
    reason: str


def breaks(released: dict[str, Any], current: dict[str, Any]) -> list[Break]:
    """What a record schema must not have changed since a release, in the schema's order.

    Each reads what the other wrote, new readers old records and old readers new ones, if and
    only if there is nothing.
    """
    return list(_of_type(released, current, ""))


def _of_type(old: Schema, new: Schema, path: str) -> Iterator[Break]:
    if _label(old) != _label(new):
        reason = f"changed its type from {_label(old)} to {_label(new)}"
        yield Break(path, f"{reason}: a value of one is none of the other")
    elif isinstance(old, list):
        for before, after in zip(old, cast("list[Schema]", new), strict=True):
            yield from _of_type(before, after, path)
    elif isinstance(old, dict):
        yield from _of_members(old, cast("dict[str, Any]", new), path)


def _label(schema: Schema) -> str:
    """A type in short, without the parts that may grow."""
    if isinstance(schema, list):
        return f"[{', '.join(map(_label, schema))}]"
    if isinstance(schema, str):
        return schema
    attributes = [f"{name} {schema[name]}" for name in _ATTRIBUTES if name in schema]
    if schema["type"] in _NAMED:
        name = ".".join(filter(None, (schema.get("namespace"), schema["name"])))
        return " ".join([schema["type"], name, *attributes])
    if part := schema.get("items") or schema.get("values"):
        return f"{schema['type']} of {_label(part)}"
    return " ".join([_label(schema["type"]), *attributes])


def _of_members(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Break]:
    match old["type"]:
        case "record":
            yield from _of_record(old, new, path)
        case "enum":
            yield from _of_enum(old, new, path)
        case "array" | "map":
            part = "items" if old["type"] == "array" else "values"
            yield from _of_type(old[part], new[part], f"{path}[]")
        case _:
            return


def _of_record(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Break]:
    before, after = _by_name(old["fields"]), _by_name(new["fields"])
    for name, field in before.items():
        at = _join(path, name)
        if name in after:
            yield from _of_type(field["type"], after[name]["type"], at)
            yield from _of_default(field, after[name], at)
        else:
            yield Break(at, "was removed: older readers miss it")
    for name in after.keys() - before.keys():
        if "default" not in after[name]:
            reason = "is new and has no default: newer readers miss it in older records"
            yield Break(_join(path, name), reason)


def _of_default(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Break]:
    """A field may gain a default: all older records hold the field itself."""
    if "default" not in old:
        return
    if "default" not in new:
        yield Break(
            path, "lost its default: newer readers miss it in records from before the field"
        )
    elif repr(old["default"]) != repr(new["default"]):  # False is not 0 here
        change = f"changed its default from {old['default']!r} to {new['default']!r}"
        yield Break(path, f"{change}: records without it mean something else from now on")


def _of_enum(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[Break]:
    before, after = old["symbols"], new["symbols"]
    for place, symbol in enumerate(before):
        if (found := after[place] if place < len(after) else None) != symbol:
            yield Break(path, _of_symbol(symbol, found, before, after))
            break
    else:
        for symbol in after[len(before) :] if "default" not in old else ():
            yield Break(path, f"has a new symbol {symbol}: older readers have no default for it")
    if "default" in old and old["default"] != new.get("default"):
        change = f"changed its default from {old['default']} to {new.get('default', 'none')}"
        yield Break(path, f"{change}: symbols that a reader does not know mean something else")


def _of_symbol(symbol: str, found: str | None, before: list[str], after: list[str]) -> str:
    """Why `found` must not be where `symbol` was."""
    if symbol in after:
        if found in before:
            return f"has {found} before {symbol}: the order of symbols is what the bytes count by"
        return f"has the new symbol {found} before {symbol}: new symbols go at the end"
    if found is None or found in before:
        return f"lacks the symbol {symbol}: newer readers do not know it in older records"
    return f"has {found} in place of {symbol}: older records and readers have the old name"


def _by_name(fields: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in fields}


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
