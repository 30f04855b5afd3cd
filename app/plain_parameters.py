"""Parameters as they must be written, before Litestar converts them as leniently as it can."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import NoneType
from typing import Any, Final, TypeAlias, get_args

from litestar import Request

from app import problems
from app.problems import FieldError

Check: TypeAlias = Callable[[Request[Any, Any, Any]], Awaitable[None]]

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*", re.ASCII)
_NO_NULL: Final = re.compile(r"(?!null$).*", re.ASCII | re.IGNORECASE | re.DOTALL)
_RULES: Final = {
    _INTEGER: "must be an integer in plain digits",
    _NO_NULL: "is left out or has a value, but is not null",
}


def forms(hints: Mapping[str, Any]) -> "dict[str, re.Pattern[str]]":
    """How parameters must be written, by their types; text may be anything and is not listed.

    An integer in plain digits: `1e1` and `10.0` would be taken for 10. And what may be left
    out is not `null`, which would be taken for nothing.
    """
    found: dict[str, re.Pattern[str]] = {}
    for name, hint in hints.items():
        kinds = get_args(hint) or (hint,)
        if int in kinds:
            found[name] = _INTEGER
        elif NoneType in kinds and str not in kinds:
            found[name] = _NO_NULL
    return found


def check_of(expected: "Mapping[str, re.Pattern[str]]") -> Check:
    """A check of these parameters of a path or a query. It raises `Problem`."""

    async def check(request: Request[Any, Any, Any]) -> None:
        if errors := [
            FieldError(_RULES[form], name)
            for name, form in expected.items()
            for value in _given(request, name)
            if not form.fullmatch(value)
        ]:
            raise problems.of_fields(errors)

    return check


def _given(request: Request[Any, Any, Any], name: str) -> Iterable[str]:
    if name in request.path_params:
        return [str(request.path_params[name])]
    if not request.scope["query_string"]:
        return []
    return request.query_params.getall(name, [])
