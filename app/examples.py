"""Examples for the OpenAPI description, by operation."""

from typing import Any, Final

_UUID: Final = "01936f5a-7c3e-7b1d-9a2f-3d5e8c1b4a60"
_AT: Final = "2026-11-21T12:00:00.123000Z"
_PLACED: Final = {
    "bet_id": f"bet-{_UUID}",
    "user_id": "user-1",
    "stake": 10.5,
    "odds": 2.1,
    "fixture_id": "fixture-7",
    "status": "placed",
    "result": None,
    "payout": None,
    "idempotency_key": "bet-10001-user-1-7f3a",
    "version": 1,
    "last_updated_at": _AT,
    "last_position": 1,
}
_DEPOSITED: Final = {
    "payment_id": f"payment-{_UUID}",
    "type": "deposit",
    "user_id": "user-1",
    "amount": 100,
    "status": "completed",
    "idempotency_key": "payment-10001-user-1-9c1e",
    "version": 2,
    "last_updated_at": _AT,
    "last_position": 2,
}
_SETTLED: Final = {"status": "settled", "result": "win", "payout": 22.05, "version": 3}
_EVENT: Final = {
    "id": _UUID,
    "tenant_id": 10001,
    "position": 1,
    "aggregate_id": f"bet-{_UUID}",
    "version": 1,
    "event_type": "V1_BETS_BET_PLACED",
    "event_name": "v1.bets.bet.placed",
    "event_data": {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "fixture-7"},
    "timestamp": 1795262400123,
    "idempotency_key": "bet-10001-user-1-7f3a",
    "metadata": {},
    "hash": "3f" * 32,
    "created_at": _AT,
}

REQUESTS: Final[dict[str, Any]] = {
    "placeBet": {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "fixture-7"},
    "settleBet": {"result": "win"},
    "cancelBet": {"reason": "fixture called off"},
    "makePayment": {"user_id": "user-1", "amount": 100},
    "failPayment": {"reason": "card declined"},
}

_ANSWERS: Final[dict[str, Any]] = {
    "placeBet": _PLACED,
    "confirmBet": _PLACED | {"status": "confirmed", "version": 2},
    "settleBet": _PLACED | _SETTLED,
    "cancelBet": _PLACED | {"status": "cancelled", "version": 2},
    "getBet": _PLACED,
    "listBets": {"bets": [_PLACED], "total": 1, "next_cursor": None},
    "getBetEvents": [_EVENT],
    "makePayment": _DEPOSITED | {"success": True, "duplicate": False},
    "completePayment": _DEPOSITED | {"success": True, "duplicate": False},
    "failPayment": _DEPOSITED | {"status": "failed", "success": True, "duplicate": False},
    "getPayment": _DEPOSITED,
    "listPayments": {"payments": [_DEPOSITED], "total": 1, "next_cursor": None},
    "getBalance": {
        "user_id": "user-1",
        "balance": 100,
        "transaction_count": 1,
        "last_transaction_at": _AT,
        "version": 1,
        "last_position": 3,
    },
    "listEvents": [_EVENT],
}


def of_answer(operation: str, status: str) -> Any:
    """An example of what `operation` answers with `status`, if there is one."""
    example: Any = _ANSWERS.get(operation)
    is_repeat = status == "200" and operation in {"placeBet", "makePayment"}
    return {**example, "duplicate": True} if is_repeat else example
