"""Integers in a path or a query: plain digits, and nothing that merely amounts to one."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeAlias, get_args

from litestar import Request

from app import problems
from app.problems import FieldError

Check: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[None]]

_PLAIN: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_RULE: Final = "must be an integer in plain digits"


def names(hints: Iterable[tuple[str, Any]]) -> frozenset[str]:
    """The names of those parameters that are integers, by their annotations."""
    return frozenset(name for name, hint in hints if hint is int or int in get_args(hint))


def check_of(integers: frozenset[str]) -> Check:
    """A check of these parameters before they are converted. It raises `Problem`.

    Litestar converts them as leniently as msgspec can: `1e1` and `10.0` would be taken for 10.
    """

    async def check(request: Request[Any, Any, Any]) -> None:
        if errors := [
            FieldError(_RULE, name)
            for name in integers
            for value in _given(request, name)
            if not _PLAIN.fullmatch(value)
        ]:
            raise problems.of_fields(errors)

    return check


def _given(request: Request[Any, Any, Any], name: str) -> Iterable[str]:
    if name in request.path_params:
        return [str(request.path_params[name])]
    if not request.scope["query_string"]:
        return []
    return request.query_params.getall(name, [])
