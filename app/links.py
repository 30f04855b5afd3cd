"""Links of the OpenAPI description: what can be done with the resource that a command made."""

from typing import Any, Final

from litestar.openapi.spec import Link, Reference

_IDS: Final = {
    "placeBet": ("bet_id", ("getBet", "confirmBet", "settleBet", "cancelBet", "getBetEvents")),
    "makePayment": (
        "payment_id",
        ("getPayment", "completePayment", "failPayment", "getPaymentEvents"),
    ),
}
# What whoever follows a link sends, where the operation needs a body.
_BODIES: Final[dict[str, dict[str, str]]] = {"settleBet": {"result": "win"}}


def of_answer(operation: str, status: str) -> dict[str, Link | Reference] | None:
    """The links from what `operation` answers with `status`, by the operation they lead to."""
    if operation not in _IDS or status != "201":
        return None
    name, targets = _IDS[operation]
    return {target: _link(name, target) for target in targets}


def _link(name: str, target: str) -> Link:
    parameters: dict[str, Any] = {
        f"path.{name}": f"$response.body#/{name}",
        "header.X-Tenant-Id": "$request.header.X-Tenant-Id",
    }
    return Link(operation_id=target, parameters=parameters, request_body=_BODIES.get(target))
