"""Schemas of parameters: never null, with exact bounds."""

from typing import Final, TypeGuard

from litestar.openapi.spec import OpenAPIType, Reference, Schema

_LARGEST: Final = 2**63 - 1


def complete(schema: Schema) -> None:
    """Set right what Litestar derives of a parameter.

    It says that one which may be left out may be null, which neither a path nor a query can say.
    """
    if schema.one_of:
        (only,) = (form for form in schema.one_of if _is_no_null(form))
        schema.type, schema.one_of = only.type, None
    elif isinstance(schema.type, list):
        schema.type = next(kind for kind in schema.type if kind != OpenAPIType.NULL)
        schema.enum = [value for value in schema.enum or [] if value is not None] or None
    exact_bounds(schema)


def exact_bounds(schema: Schema | Reference) -> None:
    """Make the bounds of an integer integers; as a float 2**63 - 1 is another number."""
    if not isinstance(schema, Schema) or schema.type != OpenAPIType.INTEGER:
        return
    if schema.maximum is not None:
        schema.maximum = min(int(schema.maximum), _LARGEST)
    if schema.minimum is not None:
        schema.minimum = int(schema.minimum)


def _is_no_null(form: Schema | Reference) -> TypeGuard[Schema]:
    return isinstance(form, Schema) and form.type != OpenAPIType.NULL
