"""The OpenAPI description: what Litestar cannot derive from the handlers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

import litestar_offline_docs
from litestar import Response, Router
from litestar.exceptions import NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

from app import examples, rate_limit_description
from app.problems import (
    BODY_TOO_LARGE,
    COMMAND_REJECTED,
    HISTORY_TOO_LONG,
    INTERNAL,
    INVALID_KEY,
    INVALID_REQUEST,
    INVALID_TENANT,
    KEY_REUSED,
    MEDIA_TYPE,
    MISSING_KEY,
    MISSING_TENANT,
    NO_SUCH_MOMENT,
    OVERLOADED,
    QUOTA_EXCEEDED,
    TENANT_NOT_FOUND,
    TENANT_SUSPENDED,
    UNAVAILABLE,
    Kind,
    ProblemDetails,
    document,
)

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator  # it has no public name

# Served from the package: the documentation pages work without internet.
ASSETS: Final = Path(litestar_offline_docs.__file__).parent / "static"
ASSETS_PATH: Final = "/schema/assets"

OF_READS: Final = (
    MISSING_TENANT,
    INVALID_TENANT,
    INVALID_REQUEST,
    TENANT_NOT_FOUND,
    QUOTA_EXCEEDED,
    INTERNAL,
    UNAVAILABLE,
)
OF_PAST_READS: Final = (*OF_READS, NO_SUCH_MOMENT, HISTORY_TOO_LONG)
OF_COMMANDS: Final = (
    *OF_READS,
    MISSING_KEY,
    INVALID_KEY,
    TENANT_SUSPENDED,
    BODY_TOO_LARGE,
    KEY_REUSED,
    COMMAND_REJECTED,
    OVERLOADED,
)

_TENANT: Final = Parameter(
    name="X-Tenant-Id",
    param_in="header",
    required=True,
    description="The tenant whose data the request is about.",
    schema=Schema(type=OpenAPIType.INTEGER, minimum=1, examples=[10001]),
)
_KEY: Final = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=True,
    description=(
        "Unique to the request and sent again with its retries: the command is carried out"
        ' once. Bare or quoted, `abc` and `"abc"` are one key.'
    ),
    schema=Schema(
        type=OpenAPIType.STRING, min_length=1, max_length=257, examples=["bet-10001-user-1-7f3a"]
    ),
)
_CORRELATION: Final = Parameter(
    name="X-Correlation-Id",
    param_in="header",
    description="Kept in the metadata of the events, to trace what one request caused.",
    schema=Schema(type=OpenAPIType.STRING, max_length=128),
)
_REQUEST_ID: Final = Parameter(
    name="X-Request-Id",
    param_in="header",
    description="Comes back with a problem, and is logged with a failure; else one is made up.",
    schema=Schema(type=OpenAPIType.STRING, max_length=128),
)
_TRACEPARENT: Final = Parameter(
    name="traceparent",
    param_in="header",
    description="The caller's span (W3C Trace Context), kept in the metadata of the events.",
    schema=Schema(
        type=OpenAPIType.STRING,
        max_length=128,
        examples=["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    ),
)
_IF_MATCH: Final = Parameter(
    name="If-Match",
    param_in="header",
    description="Carry the command out only if the resource still has this ETag.",
    schema=Schema(type=OpenAPIType.STRING, examples=['"1"']),
)
_AS_OF: Final = Parameter(
    name="as_of",
    param_in="query",
    description=(
        "Answer as it was at a position of the tenant's log, or at a time (RFC 3339 with its"
        " offset, whose + is written %2B), which stands for the last position that is not later."
        " 0 is before the first event; the future and a time before the tenant are refused."
    ),
    schema=Schema(
        type=OpenAPIType.STRING,
        max_length=64,
        examples=["1795", "2026-11-21T12:00:00Z", "2026-11-21T13:00:00.123+01:00"],
    ),
)
_TRACING: Final = (_CORRELATION, _TRACEPARENT, _REQUEST_ID)
_IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    param_in="header",
    description="Answer 304 if the resource still has this ETag.",
    schema=Schema(type=OpenAPIType.STRING, examples=['"1"']),
)


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


@dataclass
class OpenOperation(Operation):
    """An operation that needs no tenant, with examples of what it takes and answers."""

    headers: ClassVar[Sequence[Parameter]] = ()
    queries: ClassVar[Sequence[Parameter]] = ()
    etag: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.parameters = [*(self.parameters or []), *self.queries, *self.headers]
        for status, response in (self.responses or {}).items():
            if isinstance(response, OpenAPIResponse) and status.startswith("2"):
                self._complete(response, status)
        if isinstance(self.request_body, RequestBody):
            content = self.request_body.content["application/json"]
            content.example = examples.REQUESTS[str(self.operation_id)]
            # Litestar calls every body required; one that may be null may be left out.
            self.request_body.required = isinstance(content.schema, Reference)

    def _complete(self, response: OpenAPIResponse, status: str) -> None:
        example = examples.of_answer(str(self.operation_id), status)
        for media_type in (response.content or {}).values():
            if example is not None:
                media_type.example = example
        if self.etag:
            header = OpenAPIHeader(
                description="The version of the resource.", schema=Schema(type=OpenAPIType.STRING)
            )
            response.headers = {**(response.headers or {}), "ETag": header}


@dataclass
class OpenTaggedRead(OpenOperation):
    """A read that needs no tenant and can be conditional."""

    headers: ClassVar[Sequence[Parameter]] = (_IF_NONE_MATCH,)
    etag: ClassVar[bool] = True


@dataclass
class TenantOperation(OpenOperation):
    """An operation on a tenant's data, which counts towards its rates."""

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, _REQUEST_ID)

    def __post_init__(self) -> None:
        super().__post_init__()
        rate_limit_description.describe(self.responses)


@dataclass
class PastRead(TenantOperation):
    """A read that can also be made of the past."""

    queries: ClassVar[Sequence[Parameter]] = (_AS_OF,)


@dataclass
class TaggedRead(PastRead):
    """A read of one resource, now or of the past, which can be conditional."""

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, _IF_NONE_MATCH, _REQUEST_ID)
    etag: ClassVar[bool] = True


@dataclass
class Creation(TenantOperation):
    """A command that makes a resource."""

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, _KEY, *_TRACING)
    etag: ClassVar[bool] = True


@dataclass
class Transition(TenantOperation):
    """A command that moves a resource to another status."""

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, _KEY, _IF_MATCH, *_TRACING)
    etag: ClassVar[bool] = True


def problems(*kinds: Kind) -> dict[int, ResponseSpec]:
    """The problem responses of an operation, one for each status."""
    by_status: dict[int, list[Kind]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _problem_response(of_status) for status, of_status in by_status.items()}


def _problem_response(kinds: Sequence[Kind]) -> ResponseSpec:
    return ResponseSpec(
        data_container=ProblemDetails,
        media_type=MEDIA_TYPE,
        generate_examples=False,
        description="; ".join(kind.title for kind in kinds) + ".",
        examples=[
            Example(id=kind.slug, summary=kind.title, value=document(kind, f"{kind.title}."))
            for kind in kinds
        ],
    )


def answered(kind: Any, description: str) -> ResponseSpec:
    """A further success response of an operation."""
    return ResponseSpec(data_container=kind, generate_examples=False, description=description)


def _of_unknown_page(response: Response[Any]) -> Response[Any]:
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException  # instead of Litestar's own page, so that a problem is answered
    return response


NOT_MODIFIED: Final = ResponseSpec(data_container=None, description="Unchanged since this ETag.")

CONFIG: Final = OpenAPIConfig(
    title="Stakebook",
    version="0.1.0",
    description="An event-sourced ledger for betting operators: bets, payments, balances.",
    openapi_router=Router(
        "/schema", route_handlers=[], include_in_schema=False, after_request=_of_unknown_page
    ),
    components=rate_limit_description.COMPONENTS,
    create_examples=False,
    use_handler_docstrings=True,
    render_plugins=[
        SwaggerRenderPlugin(
            js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
            css_url=f"{ASSETS_PATH}/swagger-ui.css",
            standalone_preset_js_url=f"{ASSETS_PATH}/swagger-ui-standalone-preset.js",
            favicon="<link rel='icon' href='data:,'>",
            path=["/", "/swagger"],
        ),
        JsonRenderPlugin(path="/openapi.json"),
    ],
)
