"""How whatever is raised while a request is handled becomes a problem."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import asyncpg
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from uuid_utils import uuid7

from app import headers, problems, response_headers
from app.answers import REPLAYED, encode
from app.bodies import reason_of
from app.lines import PASSING
from app.problems import FieldError, Problem

AnyRequest: TypeAlias = Request[Any, Any, Any]
Handlers: TypeAlias = dict[
    int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]
]

_log: Final = structlog.get_logger()

_NOTHING_THERE: Final = "There is nothing at this path."
_KIND_OF_STATUS: Final = {
    400: problems.INVALID_REQUEST,
    404: problems.NOT_FOUND,
    405: problems.METHOD_NOT_ALLOWED,
    413: problems.BODY_TOO_LARGE,
    415: problems.UNSUPPORTED_MEDIA_TYPE,
}


def answer(request: AnyRequest, document: dict[str, Any], **more: str) -> Response[bytes]:
    """The response that carries a problem, with `more` headers.

    Its instance tells this occurrence from others. The request's id is the caller's own, who
    may use one for several requests, or else the one in the instance.
    """
    occurrence = str(uuid7())
    request_id = headers.request_id(request.scope["headers"]) or occurrence
    more["X-Request-Id"] = request_id
    if document["status"] == problems.UNAVAILABLE.status:
        more["Retry-After"] = str(problems.RETRY_AFTER_SECONDS)
    told = {"instance": f"urn:uuid:{occurrence}", "request_id": request_id}
    return Response(
        encode(document | told),
        status_code=document["status"],
        headers=response_headers.OF_DATA | more,
        media_type=problems.MEDIA_TYPE,
    )


def of_problem(request: AnyRequest, error: Problem) -> Response[bytes]:
    """A problem that the service raised itself."""
    replayed = {REPLAYED: "true"} if error.replayed else {}
    response = answer(request, error.document, **replayed, **error.headers)
    if error.document["status"] == problems.INTERNAL.status:
        _log.error("command failed", request_id=response.headers["X-Request-Id"])
    return response


def of_http(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What Litestar raises: no such route, wrong method, body too large."""
    kind = _KIND_OF_STATUS.get(error.status_code)
    if kind is None:
        return of_crash(request, error)
    # Litestar's own words about a file that is not there name the folder where it looked.
    detail = _NOTHING_THERE if kind is problems.NOT_FOUND else error.detail
    return answer(request, problems.document(kind, detail or kind.title), **(error.headers or {}))


def of_validation(request: AnyRequest, error: ValidationException) -> Response[bytes]:
    """A parameter that is not what the route takes."""
    extra = error.extra if isinstance(error.extra, list) else []
    errors = [_field_error(item["message"], item.get("key", "")) for item in extra]
    if not errors:
        return of_http(request, error)
    return answer(request, problems.of_fields(errors).document)


def _field_error(message: str, key: str) -> FieldError:
    if key == "data":  # Litestar's name for the body, which it does not hand over when empty
        return FieldError("a JSON body is required", "#")
    return FieldError(reason_of(message), key)


def of_database(request: AnyRequest, error: Exception) -> Response[bytes]:
    """The database did not answer a read."""
    document = problems.document(problems.UNAVAILABLE, "The database cannot be reached.")
    response = answer(request, document)
    _log.warning("read failed", request_id=response.headers["X-Request-Id"], error=repr(error))
    return response


def of_crash(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Whatever nobody expected; the answer says nothing of what it was, the log all."""
    document = problems.document(problems.INTERNAL, "The failure was logged.")
    response = answer(request, document)
    _log.error("request failed", request_id=response.headers["X-Request-Id"], exc_info=error)
    return response


def handlers() -> Handlers:
    """The handler for each kind of exception; the most specific one counts."""
    return {
        Problem: of_problem,
        ValidationException: of_validation,
        HTTPException: of_http,
        **dict.fromkeys((*PASSING, asyncpg.LockNotAvailableError), of_database),
        Exception: of_crash,
    }
