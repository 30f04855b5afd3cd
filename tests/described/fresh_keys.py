"""A hook of schemathesis: most commands have a key of their own."""

from itertools import count
from typing import Any, Final, cast

import schemathesis

_KEY: Final = "Idempotency-Key"
_number: Final = count(1)


def before_call(
    context: schemathesis.HookContext,  # noqa: ARG001 - the signature of the hook
    case: Any,  # generic there, without a default
    kwargs: dict[str, Any],  # noqa: ARG001 - as above
) -> None:
    """Give three of four commands a new key: with a used one they are refused, or repeats."""
    number = next(_number)
    if _KEY in case.headers and number % 4:
        case.headers[_KEY] = f"key-{number}"


cast("Any", schemathesis).hook(before_call)  # partly untyped there
