"""The plugin by which the OpenAPI description says that amounts are numbers."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator  # it has no public name


class ExactNumbers(OpenAPISchemaPlugin):
    """Amounts are JSON numbers; Litestar takes a Decimal for a string."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether `value` is the type of amounts."""
        return value is Decimal

    def to_openapi_schema(
        self,
        field_definition: FieldDefinition,  # noqa: ARG002 - Litestar's signature
        schema_creator: "SchemaCreator",  # noqa: ARG002 - as above
    ) -> Schema:
        """The schema of an amount."""
        return Schema(type=OpenAPIType.NUMBER)
