"""Examples for the OpenAPI description, by operation."""

from enum import Enum
from typing import Any, Final


class Null(Enum):
    """A null; Litestar leaves a plain None out of the document."""

    NULL = None


_UUID: Final = "01936f5a-7c3e-7b1d-9a2f-3d5e8c1b4a60"
_AT: Final = "2026-11-21T12:00:00.123000Z"
_PLACED: Final = {
    "bet_id": f"bet-{_UUID}",
    "user_id": "user-1",
    "stake": 10.5,
    "odds": 2.1,
    "fixture_id": "fixture-7",
    "status": "placed",
    "result": Null.NULL,
    "payout": Null.NULL,
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
    "last_position": 3,
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
    "metadata": {"causation_id": _UUID},
    "hash": "3f" * 32,
    "created_at": _AT,
}
CLOUDEVENT: Final[dict[str, Any]] = {
    "specversion": "1.0",
    "id": _UUID,
    "source": "/tenants/10001",
    "type": "v1.bets.bet.placed",
    "subject": f"bet-{_UUID}",
    "time": "2026-11-21T12:00:00.123Z",
    "datacontenttype": "application/json",
    "tenantid": "10001",
    "position": "1",
    "version": "1",
    "idempotencykey": "bet-10001-user-1-7f3a",
    "hash": "3f" * 32,
    "data": {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "fixture-7"},
}
_DEPOSIT: Final = {"user_id": "user-1", "amount": 100, "payment_id": f"payment-{_UUID}"}
_DEPOSIT_CREATED: Final = _EVENT | {
    "position": 2,
    "aggregate_id": f"payment-{_UUID}",
    "event_type": "V1_PAYMENTS_DEPOSIT_CREATED",
    "event_name": "v1.payments.deposit.created",
    "event_data": _DEPOSIT,
    "idempotency_key": "payment-10001-user-1-9c1e",
}
_INCREASED: Final = _DEPOSIT_CREATED | {
    "position": 4,
    "aggregate_id": "balance-user-1",
    "event_type": "V1_BALANCES_BALANCE_INCREASED",
    "event_name": "v1.balances.balance.increased",
    "metadata": {"related_to": f"payment-{_UUID}", "causation_id": _UUID},
}
_ACTIVITY: Final = {
    "user_id": "user-1",
    "bets": 1,
    "bets_placed": 1,
    "bets_confirmed": 0,
    "bets_settled": 0,
    "bets_cancelled": 0,
    "staked": 10.5,
    "won": 0,
    "lost": 0,
    "payments_created": 0,
    "payments_completed": 1,
    "payments_failed": 0,
    "deposited": 100,
    "withdrawn": 0,
    "last_active_at": _AT,
    "last_position": 4,
}
_REGISTERED: Final = {
    "id": 10002,
    "name": "Second",
    "slug": "second",
    "plan": "basic",
    "wallet": "internal",
    "status": "active",
    "created_at": _AT,
}
_PROBLEM: Final = {
    "type": "/problems/bet-not-found",
    "title": "Bet not found",
    "status": 404,
    "error": "Bet not found",
}

_SCHEMA: Final = {
    "type": "record",
    "name": "BetEvent",
    "namespace": "stakebook",
    "doc": "One event of a bet.",
    "fields": [{"name": "tenant_id", "type": "long"}],
}
_LISTED_SCHEMA: Final = {
    "name": "bet_event",
    "fingerprint": "7d" * 32,
    "url": "/schemas/bet_event",
}

REQUESTS: Final[dict[str, Any]] = {
    "placeBet": {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "fixture-7"},
    "settleBet": {"result": "win"},
    "cancelBet": {"reason": "fixture called off"},
    "makePayment": {"user_id": "user-1", "amount": 100},
    "failPayment": {"reason": "card declined"},
    "createTenant": {"id": 10002, "name": "Second", "slug": "second", "wallet": "internal"},
    "changeTenant": {"status": "suspended"},
}

_ANSWERS: Final[dict[str, Any]] = {
    "placeBet": _PLACED,
    "confirmBet": _PLACED | {"status": "confirmed", "version": 2},
    "settleBet": _PLACED | _SETTLED,
    "cancelBet": _PLACED | {"status": "cancelled", "version": 2},
    "getBet": _PLACED,
    "listBets": {"bets": [_PLACED], "total": 1, "next_cursor": Null.NULL},
    "getBetEvents": [_EVENT],
    "makePayment": _DEPOSITED | {"success": True, "duplicate": False},
    "completePayment": _DEPOSITED | {"success": True, "duplicate": False},
    "failPayment": _DEPOSITED | {"status": "failed", "success": True, "duplicate": False},
    "getPayment": _DEPOSITED,
    "getPaymentEvents": [_DEPOSIT_CREATED],
    "listPayments": {"payments": [_DEPOSITED], "total": 1, "next_cursor": Null.NULL},
    "getBalance": {
        "user_id": "user-1",
        "balance": 100,
        "transaction_count": 1,
        "last_transaction_at": _AT,
        "version": 1,
        "last_position": 3,
    },
    "getBalanceEvents": [_INCREASED],
    "getActivity": _ACTIVITY,
    "listTopUsers": [_ACTIVITY],
    "getTenantSummary": {
        "bets_placed": 1,
        "bets_confirmed": 0,
        "bets_settled": 0,
        "bets_cancelled": 0,
        "turnover": 10.5,
        "payouts": 0,
        "gross_gaming_revenue": 0,
        "payments_created": 0,
        "payments_completed": 1,
        "payments_failed": 0,
        "deposits": 100,
        "withdrawals": 0,
        "balances": 100,
        "last_updated_at": _AT,
        "last_position": 4,
    },
    "createTenant": _REGISTERED,
    "listTenants": {"tenants": [_REGISTERED], "total": 2, "next_cursor": Null.NULL},
    "getTenant": _REGISTERED,
    "changeTenant": _REGISTERED | {"status": "suspended"},
    "listEvents": [_EVENT],
    "getFeed": {"events": [_EVENT], "next": 1},
    "followFeed": f'id: 1\ndata: {{"id":"{_UUID}","tenant_id":10001,"position":1,…}}\n\n',
    "listProblems": [_PROBLEM],
    "getProblem": _PROBLEM,
    "listSchemas": [_LISTED_SCHEMA],
    "getSchema": _SCHEMA,
    "isAlive": {"status": "ok"},
    "isReady": {"status": "ok"},
    "getMetrics": 'stakebook_commands_total{operation="placeBet",outcome="applied"} 1.0',
}


def of_answer(operation: str, status: str) -> Any:
    """An example of what `operation` answers with `status`, if there is one."""
    example: Any = _ANSWERS.get(operation)
    is_repeat = status == "200" and operation in {"placeBet", "makePayment"}
    return {**example, "duplicate": True} if is_repeat else example
