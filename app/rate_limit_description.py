"""What the OpenAPI description says of rate limits: the fields by which answers tell of them."""

from collections.abc import Mapping
from typing import Any, Final, cast

from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Reference,
    Schema,
)

_RETRYABLE: Final = frozenset({"429", "503"})
_UNCOUNTED: Final = "401"
_RETRY_AFTER: Final = "Retry-After"
_HEADERS: Final = {
    "RateLimit-Policy": OpenAPIHeader(
        description=(
            "While a limit is set: `q` requests may be saved up, which takes `w` seconds. Every"
            " worker of the service counts for itself."
        ),
        schema=Schema(type=OpenAPIType.STRING, examples=['"commands";q=1000;w=10']),
    ),
    "RateLimit": OpenAPIHeader(
        description=(
            "While a limit is set: `r` requests could be made at once, and one more in `t` seconds."
        ),
        schema=Schema(type=OpenAPIType.STRING, examples=['"commands";r=999;t=1']),
    ),
    _RETRY_AFTER: OpenAPIHeader(
        description="After how many seconds to try again.",
        schema=Schema(type=OpenAPIType.INTEGER, minimum=0, examples=[1]),
    ),
}

COMPONENTS: Final = Components(headers=cast("dict[str, Any]", _HEADERS))


def describe(responses: Mapping[str, OpenAPIResponse | Reference] | None) -> None:
    """Add the fields to all `responses` of an operation that is counted.

    Who is asked for a token first has not been counted yet.
    """
    for status, response in (responses or {}).items():
        if isinstance(response, OpenAPIResponse) and status != _UNCOUNTED:
            names = _HEADERS if status in _RETRYABLE else _HEADERS.keys() - {_RETRY_AFTER}
            added = {name: Reference(f"#/components/headers/{name}") for name in sorted(names)}
            response.headers = {**(response.headers or {}), **added}
