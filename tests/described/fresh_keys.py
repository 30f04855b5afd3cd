"""A hook of schemathesis: three of four commands have a key of their own, the rest one of before."""

from itertools import count
from typing import Any

import schemathesis

_KEY = "Idempotency-Key"
_number = count(1)


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext,  # noqa: ARG001 - the signature of the hook
    case: schemathesis.Case,
    kwargs: dict[str, Any],  # noqa: ARG001 - as above
) -> None:
    """Give a command a key that was not used, as callers do, or else it would be refused."""
    number = next(_number)
    if _KEY in case.headers and number % 4:
        case.headers[_KEY] = f"key-{number}"
