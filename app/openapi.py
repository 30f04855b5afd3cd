"""The OpenAPI description: what Litestar cannot derive from the handlers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Example,
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
)

from app import examples, links, pages, parameter_schemas, rate_limit_description, security_scheme
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
    SCOPE_MISSING,
    TENANT_FORBIDDEN,
    TENANT_NOT_FOUND,
    TENANT_SUSPENDED,
    TOKEN_INVALID,
    TOKEN_MISSING,
    UNAVAILABLE,
    Kind,
    ProblemDetails,
    document,
)

# Of every route with a scope, also of those that need no tenant.
OF_ACCESS: Final = (TOKEN_MISSING, TOKEN_INVALID, SCOPE_MISSING)
OF_READS: Final = (
    *OF_ACCESS,
    TENANT_FORBIDDEN,
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
    schema=Schema(type=OpenAPIType.INTEGER, minimum=1, maximum=2**63 - 1, examples=[10001]),
)
_BARE_OR_QUOTED: Final = (
    r'^(?!""$)([\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?|"[\x20\x21\x23-\x5b\x5d-\x7e]{1,255}")$'
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
        type=OpenAPIType.STRING,
        min_length=1,
        max_length=257,
        pattern=_BARE_OR_QUOTED,
        examples=["bet-10001-user-1-7f3a"],
    ),
)
_CORRELATION: Final = Parameter(
    name="X-Correlation-Id",
    param_in="header",
    description=(
        "Kept in the metadata of the events, to trace what one request caused, if it is 1 to 128"
        " visible ASCII characters; else it is passed over."
    ),
    schema=Schema(type=OpenAPIType.STRING),
)
REQUEST_ID: Final = Parameter(
    name="X-Request-Id",
    param_in="header",
    description=(
        "Comes back with a problem, and is logged with a failure, if it is 1 to 128 visible ASCII"
        " characters; else one is made up."
    ),
    schema=Schema(type=OpenAPIType.STRING),
)
_TRACEPARENT: Final = Parameter(
    name="traceparent",
    param_in="header",
    description=(
        "The caller's span (W3C Trace Context), kept in the metadata of the events; what is none"
        " is passed over."
    ),
    schema=Schema(
        type=OpenAPIType.STRING,
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
        any_of=[
            Schema(type=OpenAPIType.STRING, pattern="^(0|[1-9][0-9]{0,17})$"),
            Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME, max_length=64),
        ],
        examples=["1795", "2026-11-21T12:00:00Z", "2026-11-21T13:00:00.123+01:00"],
    ),
)
_TRACING: Final = (_CORRELATION, _TRACEPARENT, REQUEST_ID)
_IF_NONE_MATCH: Final = Parameter(
    name="If-None-Match",
    param_in="header",
    description="Answer 304 if the resource still has this ETag.",
    schema=Schema(type=OpenAPIType.STRING, examples=['"1"']),
)


@dataclass
class OpenOperation(Operation):
    """An operation that needs no tenant, with examples of what it takes and answers."""

    headers: ClassVar[Sequence[Parameter]] = ()
    queries: ClassVar[Sequence[Parameter]] = ()
    etag: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.security = self.security or []  # to everybody, said and not left open
        for parameter in self.parameters or []:
            if isinstance(parameter, Parameter) and isinstance(parameter.schema, Schema):
                parameter_schemas.complete(parameter.schema)
        self.parameters = [*(self.parameters or []), *self.queries, *self.headers]
        for status, response in (self.responses or {}).items():
            if isinstance(response, OpenAPIResponse) and status.startswith("2"):
                self._complete(response, status)
            if isinstance(response, OpenAPIResponse) and status == "401":
                response.headers = {
                    **(response.headers or {}),
                    "WWW-Authenticate": security_scheme.CHALLENGE,
                }
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
            schema = media_type.schema
            if isinstance(schema, Schema) and schema.one_of:  # a repeated bet is also a bet
                schema.any_of, schema.one_of = schema.one_of, None
        response.links = links.of_answer(str(self.operation_id), status)
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

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, REQUEST_ID)

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

    headers: ClassVar[Sequence[Parameter]] = (_TENANT, _IF_NONE_MATCH, REQUEST_ID)
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


NOT_MODIFIED: Final = ResponseSpec(data_container=None, description="Unchanged since this ETag.")

CONFIG: Final = OpenAPIConfig(
    title="Stakebook",
    version="0.1.0",
    description="An event-sourced ledger for betting operators: bets, payments, balances.",
    openapi_router=pages.router(),
    components=[security_scheme.COMPONENTS, rate_limit_description.COMPONENTS],
    create_examples=False,
    use_handler_docstrings=True,
    render_plugins=[pages.PAGE, JsonRenderPlugin(path="/openapi.json")],
)
