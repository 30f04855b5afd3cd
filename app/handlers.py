"""Route handlers that do once what is the same for every request."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict, Unpack, cast

from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.constants import RESERVED_KWARGS
from litestar.enums import HttpMethod, MediaType
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Operation
from litestar.types import ASGIApp, Empty, ExceptionHandlersMap

from app import plain_parameters
from app.answers import Answer
from app.scopes import SCHEME, Scope

AsyncGuard: TypeAlias = Callable[
    [ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]
]


class Described(TypedDict, total=False):
    """What a route says of itself, under Litestar's names."""

    operation_id: str
    summary: str
    operation_class: type[Operation]
    responses: Mapping[int, ResponseSpec]
    status_code: int
    media_type: MediaType | str
    sync_to_thread: bool


class Handler(HTTPRouteHandler):
    """A handler of the service: no hooks, no cookies, no transformation of its answers.

    `scope` is what a token must allow to get here; None lets everybody in.
    """

    scope: Scope | None
    _exception_handlers: Any = None
    _check: Any = Empty

    def resolve_before_request(self) -> Any:
        """The check of how parameters are written; None for a handler whose may be anything."""
        if self._check is Empty:
            fields = self.parsed_fn_signature.parameters.items()
            expected = plain_parameters.forms(
                {name: field.annotation for name, field in fields if name not in RESERVED_KWARGS}
            )
            self._check = plain_parameters.check_of(expected) if expected else None
        return self._check

    def __init__(
        self,
        path: str | None,
        *,
        http_method: HttpMethod,
        scope: Scope | None,
        **described: Unpack[Described],
    ) -> None:
        security = None if scope is None else [{SCHEME: [str(scope)]}]
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # generic there
            path, http_method=http_method, security=security, **described
        )
        self.scope = scope

    def resolve_exception_handlers(self) -> ExceptionHandlersMap:  # pyright: ignore[reportUnknownParameterType]  # generic there
        """The handlers of all layers above, put together at the first request."""
        if self._exception_handlers is None:
            self._exception_handlers = cast("Any", super()).resolve_exception_handlers()
        return cast("ExceptionHandlersMap", self._exception_handlers)  # pyright: ignore[reportUnknownVariableType]  # as above

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Ask the guards, who are trusted with the handler itself and not with a copy of it."""
        for guard in cast("Sequence[AsyncGuard]", cast("Any", self).resolve_guards()):
            await guard(connection, self)

    async def to_response(
        self, app: Litestar, data: Any, request: Request[Any, Any, Any]
    ) -> ASGIApp:
        """The application that sends the answer."""
        if isinstance(data, Answer):
            return data.send
        return cast("ASGIApp", await cast("Any", super()).to_response(app, data, request))


def get(path: str | None = None, *, scope: Scope | None, **described: Unpack[Described]) -> Handler:
    """The decorator of a route that reads."""
    return Handler(path, http_method=HttpMethod.GET, scope=scope, **described)


def post(
    path: str | None = None, *, scope: Scope | None, **described: Unpack[Described]
) -> Handler:
    """The decorator of a route that takes a command."""
    return Handler(path, http_method=HttpMethod.POST, scope=scope, **described)


def patch(
    path: str | None = None, *, scope: Scope | None, **described: Unpack[Described]
) -> Handler:
    """The decorator of a route that changes what is registered."""
    return Handler(path, http_method=HttpMethod.PATCH, scope=scope, **described)
