"""Route handlers that do once what is the same for every request."""

from functools import partial
from typing import Any, Final, cast

from litestar import Litestar, Request
from litestar.constants import RESERVED_KWARGS
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Empty, ExceptionHandlersMap

from app import plain_parameters
from app.answers import Answer


class Handler(HTTPRouteHandler):
    """A handler of the service: no hooks, no cookies, no transformation of its answers."""

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

    def resolve_exception_handlers(self) -> ExceptionHandlersMap:  # pyright: ignore[reportUnknownParameterType]  # generic there
        """The handlers of all layers above, put together at the first request."""
        if self._exception_handlers is None:
            self._exception_handlers = cast("Any", super()).resolve_exception_handlers()
        return cast("ExceptionHandlersMap", self._exception_handlers)  # pyright: ignore[reportUnknownVariableType]  # as above

    async def to_response(
        self, app: Litestar, data: Any, request: Request[Any, Any, Any]
    ) -> ASGIApp:
        """The application that sends the answer."""
        if isinstance(data, Answer):
            return data.send
        return cast("ASGIApp", await cast("Any", super()).to_response(app, data, request))


get: Final = partial(Handler, http_method=HttpMethod.GET)
post: Final = partial(Handler, http_method=HttpMethod.POST)
patch: Final = partial(Handler, http_method=HttpMethod.PATCH)
