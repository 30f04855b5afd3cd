"""Schemas of request bodies: closed, with amounts as numbers or text and exact bounds."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast, get_args, get_type_hints

from litestar.openapi.spec import OpenAPIType, Reference, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import Struct
from msgspec.structs import StructConfig

from app.parameter_schemas import exact_bounds
from domain.bet import EVENS
from domain.money import DECIMALS, LIMIT, ZERO

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator  # it has no public name

_WRITTEN: Final = rf"^[0-9]{{1,16}}(\.[0-9]{{1,{DECIMALS}}})?$"
_ABOVE: Final = {"odds": EVENS}
_OR_ZERO: Final = {"payout"}  # of a loss


class ClosedBodies(OpenAPISchemaPlugin):
    """Describes the structs that refuse members they do not know, which are the bodies."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether `value` is the type of a body."""
        if not (isinstance(value, type) and issubclass(value, Struct)):
            return False
        config: StructConfig = value.__struct_config__
        return config.forbid_unknown_fields

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: "SchemaCreator"
    ) -> Schema:
        """The schema that Litestar derives of a struct, with what it leaves open."""
        creator = cast("Any", schema_creator)  # partly untyped there
        derive = next(
            plugin
            for plugin in creator.plugins
            if plugin is not self and creator.plugin_supports_field(plugin, field_definition)
        )
        schema: Schema = derive.to_openapi_schema(field_definition, creator)
        schema.additional_properties = False
        members: dict[str, Schema | Reference] = schema.properties or {}
        for name, hint in get_type_hints(field_definition.annotation).items():
            if hint is Decimal or Decimal in get_args(hint):
                members[name] = _amount(name, optional=hint is not Decimal)
        for member in members.values():
            exact_bounds(member)
        return schema


def _amount(name: str, *, optional: bool) -> Schema:
    number = Schema(type=OpenAPIType.NUMBER, exclusive_maximum=int(LIMIT) + 1)
    if name in _OR_ZERO:
        number.minimum = 0
    else:
        number.exclusive_minimum = int(_ABOVE.get(name, ZERO))
    forms: list[Schema | Reference] = [number, Schema(type=OpenAPIType.STRING, pattern=_WRITTEN)]
    if optional:
        forms.append(Schema(type=OpenAPIType.NULL))
    return Schema(
        any_of=forms,
        description=(
            f"At most {LIMIT}, with at most {DECIMALS} decimals. A number is taken exactly as it"
            " is written; whoever cannot write such numbers sends text."
        ),
    )
