"""What a tenant's books must say: plain dictionaries, kept by hand from what was answered.

Nothing here comes from the service's own code, so that a rule that is wrong there is not wrong
here too. Rows are never changed, only replaced, so a copy of a book is cheap.
"""

from collections.abc import Sequence
from copy import copy
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from tests.model.messages import Answer, Event, Request, Row, Wallet, problem
from tests.model.totals import NO_ACTIVITY, NO_SUMMARY, ZERO, added, of_tenant


class _Refused(Exception):
    """The rules refuse a command, for good."""

    def __init__(self, status: int, kind: str, **members: object) -> None:
        super().__init__(kind)
        self.answer = problem(status, kind, **members)


class Book:
    """The books of one tenant, with every row as each event left it."""

    def __init__(self, wallet: Wallet) -> None:
        self.wallet: Final = wallet
        self.suspended = False
        self.bets: dict[str, Row] = {}
        self.payments: dict[str, Row] = {}
        self.activity: dict[str, Row] = {}
        self.summary = NO_SUMMARY
        self.log: tuple[Event, ...] = ()
        self._keys: dict[str, tuple[object, str, Answer]] = {}
        self._past: dict[tuple[str, str], tuple[tuple[int, Row], ...]] = {}

    def copy(self) -> "Book":
        """A book that goes its own way from here."""
        other = Book(self.wallet)
        for name, value in vars(self).items():
            setattr(other, name, copy(value))
        return other

    @property
    def position(self) -> int:
        """Where the log ends."""
        return len(self.log)

    def take(self, request: Request, new_id: str) -> Answer:
        """Carry out or refuse a command; what it makes gets the id `new_id`."""
        if known := self._keys.get(request.key):
            meaning, made, first = known
            if meaning != request.meaning:
                return problem(422, "key-reused")
            return self._repeated(request, made, first)
        if self.suspended:
            return problem(403, "tenant-suspended")
        row = self._rows(request).get(request.target)
        if request.version is not None and row and row["version"] != request.version:
            return problem(412, "precondition-failed")
        before, made = self.copy(), request.target or new_id
        try:
            self._carry_out(request, made)
        except _Refused as refused:
            vars(self).update(vars(before))
            answer = refused.answer
        else:
            status = 200 if request.target else 201
            answer = Answer(status, self._rows(request)[made])
        self._keys[request.key] = (request.meaning, made, answer)
        return answer

    def balance(self, user_id: str, position: int | None = None) -> Row:
        """A user's balance, now or as of a position."""
        nothing = {"balance": 0, "transaction_count": 0}
        return self.as_of("balance", user_id, position) or nothing

    def as_of(self, kind: str, key: str, position: int | None = None) -> Row | None:
        """A row as the events up to a position left it, all of them by default."""
        found = [
            row for at, row in self._past.get((kind, key), ()) if position is None or at <= position
        ]
        return found[-1] if found else None

    def summary_as_of(self, position: int | None = None) -> Row:
        """The tenant's totals."""
        return self.as_of("summary", "", position) or NO_SUMMARY

    def activity_of(self, user_id: str) -> Row:
        """A user's totals."""
        return {"user_id": user_id, **self.activity.get(user_id, NO_ACTIVITY)}

    def bets_of(self, user_id: str, position: int | None = None) -> Sequence[Row]:
        """A user's bets, the last changed first."""
        rows = [self.as_of("bet", bet_id, position) for bet_id in self.bets]
        own = [row for row in rows if row and row["user_id"] == user_id]
        return sorted(own, key=lambda row: -int(row["last_position"]))

    def _rows(self, request: Request) -> dict[str, Row]:
        return self.bets if request.is_about_bet else self.payments

    def _repeated(self, request: Request, made: str, first: Answer) -> Answer:
        if first.status not in {200, 201}:
            return first
        return Answer(200, {**self._rows(request)[made], "duplicate": True})

    def _carry_out(self, request: Request, made: str) -> None:
        match request.operation:
            case "place":
                self._place(request, made)
            case "pay":
                self._pay(request, made)
            case "confirm" | "settle" | "cancel":
                self._move_bet(request, made)
            case "complete" | "fail":
                self._move_payment(request, made)

    def _place(self, request: Request, bet_id: str) -> None:
        said, user_id = request.body, str(request.body["user_id"])
        row: Row = {
            "bet_id": bet_id,
            **{name: said[name] for name in ("user_id", "stake", "odds", "fixture_id")},
            "status": "placed",
            "result": None,
            "payout": None,
            "idempotency_key": request.key,
        }
        self._bet(row, "PLACED", request.key)
        self._add(user_id, bets=1, bets_placed=1, staked=said["stake"])
        if self.wallet == "internal":
            self._move_money(user_id, -said["stake"], request.key)

    def _move_bet(self, request: Request, bet_id: str) -> None:
        row = self.bets.get(bet_id)
        if row is None:
            raise _Refused(404, "bet-not-found", bet_id=bet_id)
        status, allowed = {
            "confirm": ("confirmed", {"placed"}),
            "settle": ("settled", {"placed", "confirmed"}),
            "cancel": ("cancelled", {"placed", "confirmed"}),
        }[request.operation]
        if row["status"] not in allowed:
            raise _Refused(409, "illegal-transition", current_status=row["status"])
        changes: dict[str, Any] = {"status": status}
        if status == "settled":
            changes |= {"result": request.body["result"], "payout": _payout(row, request.body)}
        self._bet({**row, **changes}, status.upper(), request.key)
        user_id, stake, payout = row["user_id"], row["stake"], changes.get("payout", ZERO)
        self._add(user_id, **{f"bets_{row['status']}": -1, f"bets_{status}": 1})
        back = ZERO
        if status == "cancelled":
            self._add(user_id, bets=-1, staked=-stake)
            back = stake
        elif status == "settled" and changes["result"] == "win":
            self._add(user_id, won=payout, gross_gaming_revenue=stake - payout)
            back = payout
        elif status == "settled":
            self._add(user_id, lost=stake, gross_gaming_revenue=stake)
        if back and self.wallet == "internal":
            self._move_money(user_id, back, request.key)

    def _pay(self, request: Request, payment_id: str) -> None:
        said: dict[str, Any] = {"type": "deposit", **request.body}
        kind, user_id, amount = said["type"], said["user_id"], said["amount"]
        row = {
            "payment_id": payment_id,
            "type": kind,
            "user_id": user_id,
            "amount": amount,
            "status": "created",
            "idempotency_key": request.key,
        }
        self._payment(row, request.key)
        self._add(user_id, payments_created=1)
        if said.get("mode") == "instant" or (not said.get("mode") and kind == "deposit"):
            self._complete({**row, "version": 1}, request.key)
        if kind == "withdrawal":
            self._move_money(user_id, -amount, request.key)
        elif self.payments[payment_id]["status"] == "completed":
            self._move_money(user_id, amount, request.key)

    def _move_payment(self, request: Request, payment_id: str) -> None:
        row = self.payments.get(payment_id)
        if row is None:
            raise _Refused(404, "payment-not-found", payment_id=payment_id)
        if row["status"] != "created":
            raise _Refused(409, "illegal-transition", current_status=row["status"])
        if request.operation == "complete":
            self._complete(row, request.key)
        else:
            self._payment({**row, "status": "failed"}, request.key)
            self._add(row["user_id"], payments_created=-1, payments_failed=1)
        if (request.operation == "complete") == (row["type"] == "deposit"):
            self._move_money(row["user_id"], row["amount"], request.key)

    def _complete(self, row: Row, key: str) -> None:
        self._payment({**row, "status": "completed"}, key)
        moved = {"deposit": "deposited", "withdrawal": "withdrawn"}[row["type"]]
        changes = {"payments_created": -1, "payments_completed": 1, moved: row["amount"]}
        self._add(row["user_id"], **changes)

    def _move_money(self, user_id: str, amount: Decimal, key: str) -> None:
        before = self.balance(user_id)
        if before["balance"] + amount < 0:
            available = {"available": before["balance"], "required": -amount}
            raise _Refused(422, "insufficient-funds", **available)
        count = before["transaction_count"] + 1
        kind = "INCREASED" if amount > 0 else "DECREASED"
        event = Event(f"V1_BALANCES_BALANCE_{kind}", f"balance-{user_id}", count, key)
        self._record(event)
        row: Row = {
            "user_id": user_id,
            "balance": before["balance"] + amount,
            "transaction_count": count,
            "version": count,
            "last_position": self.position,
        }
        self._keep("balance", user_id, row)
        self._add(user_id, balances=amount)

    def _bet(self, row: Row, happened: str, key: str) -> None:
        version = row.get("version", 0) + 1
        bet_id = row["bet_id"]
        self._record(Event(f"V1_BETS_BET_{happened}", bet_id, version, key))
        self.bets[bet_id] = {**row, "version": version, "last_position": self.position}
        self._keep("bet", bet_id, self.bets[bet_id])

    def _payment(self, row: Row, key: str) -> None:
        version = row.get("version", 0) + 1
        payment_id, name = row["payment_id"], f"{row['type']}_{row['status']}".upper()
        self._record(Event(f"V1_PAYMENTS_{name}", payment_id, version, key))
        self.payments[payment_id] = {**row, "version": version, "last_position": self.position}
        self._keep("payment", payment_id, self.payments[payment_id])

    def _record(self, event: Event) -> None:
        self.log = (*self.log, event)

    def _keep(self, kind: str, key: str, row: Row) -> None:
        self._past[kind, key] = (*self._past.get((kind, key), ()), (self.position, row))

    def _add(self, user_id: str, **changes: int | Decimal) -> None:
        """Add to the totals of the user and of the tenant what the last event brought."""
        activity = self.activity.get(user_id, NO_ACTIVITY)
        self.activity[user_id] = added(activity, changes, self.position)
        self.summary = added(self.summary, of_tenant(changes), self.position)
        self._keep("summary", "", self.summary)


def _payout(row: Row, said: Row) -> Decimal:
    if said["result"] == "loss":
        return ZERO
    if said.get("payout") is not None:
        return Decimal(said["payout"])
    product: Decimal = row["stake"] * row["odds"]
    return product.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
