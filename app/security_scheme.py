"""What the OpenAPI description says of access."""

from typing import Final

from litestar.openapi.spec import Components, OpenAPIHeader, OpenAPIType, Schema, SecurityScheme

from app.scopes import SCHEME

CHALLENGE: Final = OpenAPIHeader(
    description="What is asked for, and what is wrong with the token that was sent (RFC 6750).",
    required=True,
    schema=Schema(type=OpenAPIType.STRING, examples=['Bearer realm="stakebook"']),
)
COMPONENTS: Final = Components(
    security_schemes={
        SCHEME: SecurityScheme(
            type="http",
            scheme="bearer",
            bearer_format="JWT",
            description=(
                "A token that allows the scope of the operation (claim `scope`) and names the"
                " tenant of X-Tenant-Id (claim `tenants`, a list of numbers). Asked for where the"
                " service runs with AUTH=jwt."
            ),
        )
    }
)
