"""A machine that drives two processes of the service and keeps the books beside them."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count, permutations
from typing import Any, ClassVar, Final, NamedTuple

import httpx
from anyio.from_thread import BlockingPortal
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from app.exact_json import ENCODER
from tests.app.api.book import exactly
from tests.conftest import Client
from tests.model.book import Answer, Book, Operation, Request, Row, Wallet

AT_ONCE: Final = 3  # requests, of which every order is tried
USERS: Final = ("anna", "bert", "carl")
_WALLETS: Final[tuple[Wallet, ...]] = ("external", "internal")
_STAKES: Final = ("0.0001", "1", "2.5", "10", "33.3333", "100")
_ODDS: Final = ("1.0001", "1.5", "2", "3.3333")
_OF_BETS: Final[tuple[Operation, ...]] = ("confirm", "settle", "cancel")
_OF_PAYMENTS: Final[tuple[Operation, ...]] = ("complete", "fail")
_FUTURE: Final = 422

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Sent(NamedTuple):
    """A request, and which of the two processes it goes to."""

    request: Request
    process: int


class Stage(NamedTuple):
    """Two processes of the service on one database, and the loop that they are called from."""

    portal: BlockingPortal
    processes: tuple[Client, Client]


class Machine(RuleBasedStateMachine):
    """Sends commands to two new tenants, one of each wallet, and reads what has come of them."""

    stage: ClassVar[Stage]
    _tenants: ClassVar = count(50_001)
    _keys: ClassVar = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.books: dict[int, Book] = {}
        self.sent: dict[int, list[Request]] = {}

    @initialize()
    def open_books(self) -> None:
        """Make the tenants."""
        for wallet in _WALLETS:
            tenant_id = next(self._tenants)
            made = {"id": tenant_id, "name": wallet, "slug": f"t-{tenant_id}", "wallet": wallet}
            answer = self._call("POST", "/tenants", tenant_id, 0, made)
            assert answer.status_code == httpx.codes.CREATED
            self.books[tenant_id], self.sent[tenant_id] = Book(wallet), []

    @rule(data=st.data(), process=st.integers(0, 1))
    def send(self, data: st.DataObject, process: int) -> None:
        """Send one command."""
        tenant_id = self._tenant(data.draw)
        self._send(tenant_id, [Sent(self._request(data.draw, tenant_id), process)])

    @rule(data=st.data())
    def send_at_once(self, data: st.DataObject) -> None:
        """Send some at once, to both processes; any order of them will do."""
        tenant_id = self._tenant(data.draw)
        group: list[Sent] = []
        for _ in range(data.draw(st.integers(2, AT_ONCE))):
            same = group and data.draw(st.integers(0, 4)) == 0
            request = group[-1].request if same else self._request(data.draw, tenant_id)
            group.append(Sent(request, data.draw(st.integers(0, 1))))
        self._send(tenant_id, group)

    @rule(data=st.data(), process=st.integers(0, 1), changed=st.integers(0, 2))
    def repeat(self, data: st.DataObject, process: int, changed: int) -> None:
        """Send a command again, or another one under its key."""
        tenant_id = self._tenant(data.draw)
        if self.sent[tenant_id]:
            request = data.draw(st.sampled_from(self.sent[tenant_id][-20:]))
            if not changed:
                request = self._request(data.draw, tenant_id)._replace(key=request.key)
            self._send(tenant_id, [Sent(request, process)])

    @rule(data=st.data(), process=st.integers(0, 1), suspended=st.integers(0, 3))
    def change_tenant(self, data: st.DataObject, process: int, suspended: int) -> None:
        """Suspend a tenant, or let it go on, which is done more often."""
        tenant_id = self._tenant(data.draw)
        status = "active" if suspended else "suspended"
        answer = self._call(
            "PATCH", f"/tenants/{tenant_id}", tenant_id, process, {"status": status}
        )
        assert answer.status_code == httpx.codes.OK
        self.books[tenant_id].suspended = not suspended

    @rule(data=st.data(), process=st.integers(0, 1))
    def read(self, data: st.DataObject, process: int) -> None:
        """Read something as it is now."""
        tenant_id = self._tenant(data.draw)
        path, row = data.draw(st.sampled_from(self._rows(tenant_id)))
        self._assert_read(tenant_id, process, path, row)

    @rule(data=st.data(), process=st.integers(0, 1))
    def read_the_past(self, data: st.DataObject, process: int) -> None:
        """Read something as it was at any position, or as it cannot be known yet."""
        tenant_id = self._tenant(data.draw)
        book = self.books[tenant_id]
        position = data.draw(st.integers(0, book.position + 1))
        path, row = data.draw(st.sampled_from(self._past(tenant_id, position)))
        if position > book.position:
            answer = self._call("GET", path, tenant_id, process)
            assert answer.status_code == _FUTURE
            assert answer.json()["type"] == "/problems/no-such-moment"
        else:
            self._assert_read(tenant_id, process, path, row)

    def teardown(self) -> None:
        """Everything there is must be what the books say."""
        for tenant_id, book in self.books.items():
            for path, row in self._rows(tenant_id):
                self._assert_read(tenant_id, 0, path, row)
            events = self._events(tenant_id)
            assert [each["position"] for each in events] == list(range(1, book.position + 1))
            for event, expected in zip(events, book.log, strict=True):
                assert event == event | expected._asdict()
            times = [each["timestamp"] for each in events]
            assert times == sorted(times)

    def _tenant(self, draw: Draw) -> int:
        return int(draw(st.sampled_from(sorted(self.books))))

    def _request(self, draw: Draw, tenant_id: int) -> Request:
        book, key = self.books[tenant_id], f"key-{next(self._keys)}"
        kind = draw(st.sampled_from(["place", "place", "pay", "bet", "bet", "payment"]))
        user = draw(st.sampled_from(USERS))
        amount = Decimal(draw(st.sampled_from(_STAKES)))
        if kind == "place":
            odds = Decimal(draw(st.sampled_from(_ODDS)))
            body: Row = {"user_id": user, "stake": amount, "odds": odds, "fixture_id": "final"}
            return Request(key, "place", body)
        if kind == "pay":
            return Request(key, "pay", _payment(draw, user, amount))
        known, operations = (
            (book.bets, _OF_BETS) if kind == "bet" else (book.payments, _OF_PAYMENTS)
        )
        target = draw(st.sampled_from([*list(known)[-6:], "none"]))
        operation = draw(st.sampled_from(operations))
        version = draw(st.sampled_from([None, None, 1, 2]))
        return Request(key, operation, _details(draw, operation, amount), target, version)

    def _send(self, tenant_id: int, group: Sequence[Sent]) -> None:
        """Send commands at once; there must be an order in which they get what they got."""
        answers = self.stage.portal.call(self._answers, tenant_id, group)
        tried: list[list[Answer]] = []
        for order in permutations(range(len(group))):
            book = self.books[tenant_id].copy()
            expected = [book.take(group[n].request, _id_of(answers[n])) for n in order]
            if all(_fits(answers[n], wanted) for n, wanted in zip(order, expected, strict=True)):
                self.books[tenant_id] = book
                self.sent[tenant_id] += [each.request for each in group]
                return
            tried.append(expected)
        got = [(each.status_code, each.text) for each in answers]
        raise AssertionError(f"sent {group}, got {got}, expected one of {tried}")

    async def _answers(self, tenant_id: int, group: Sequence[Sent]) -> list[httpx.Response]:
        return list(await asyncio.gather(*(self._answer(tenant_id, each) for each in group)))

    async def _answer(self, tenant_id: int, sent: Sent) -> httpx.Response:
        request = sent.request
        headers = {
            "X-Tenant-Id": str(tenant_id),
            "Idempotency-Key": request.key,
            "Content-Type": "application/json",
        }
        if request.version is not None:
            headers["If-Match"] = f'"{request.version}"'
        body = ENCODER.encode(request.body)
        http = self.stage.processes[sent.process].http
        return await http.post(request.path, content=body, headers=headers)

    def _call(
        self, method: str, path: str, tenant_id: int, process: int, body: object = None
    ) -> httpx.Response:
        async def call() -> httpx.Response:
            headers = {"X-Tenant-Id": str(tenant_id)}
            http = self.stage.processes[process].http
            return await http.request(method, path, json=body, headers=headers)

        return self.stage.portal.call(call)

    def _rows(self, tenant_id: int) -> list[tuple[str, Row | None]]:
        """Every path that can be read, with what must be there."""
        book = self.books[tenant_id]
        return [
            ("/tenants/summary", book.summary_as_of()),
            ("/bets/none", None),
            *((f"/bets/{bet_id}", row) for bet_id, row in book.bets.items()),
            *((f"/payments/{payment_id}", row) for payment_id, row in book.payments.items()),
            *((f"/users/{user}/balance", book.balance(user)) for user in USERS),
            *((f"/users/{user}/activity", book.activity_of(user)) for user in USERS),
            *((f"/users/{user}/bets?limit=200", _listed(book, user)) for user in USERS),
        ]

    def _past(self, tenant_id: int, position: int) -> list[tuple[str, Row | None]]:
        """The same of the past, as far as it can be read."""
        book = self.books[tenant_id]
        bets = [(f"/bets/{key}", book.as_of("bet", key, position)) for key in book.bets]
        payments = [
            (f"/payments/{key}", book.as_of("payment", key, position)) for key in book.payments
        ]
        paths: list[tuple[str, Row | None]] = [
            ("/tenants/summary", book.summary_as_of(position)),
            *bets,
            *payments,
            *((f"/users/{user}/balance", book.balance(user, position)) for user in USERS),
        ]
        lists = [
            (f"/users/{user}/bets?limit=200&as_of={position}", _listed(book, user, position))
            for user in USERS
        ]
        return [*((f"{path}?as_of={position}", row) for path, row in paths), *lists]

    def _assert_read(self, tenant_id: int, process: int, path: str, row: Row | None) -> None:
        answer = self._call("GET", path, tenant_id, process)
        if row is None:
            assert answer.status_code == httpx.codes.NOT_FOUND, path
            return
        assert answer.status_code == httpx.codes.OK, (path, answer.text)
        assert _has(exactly(answer), row), (path, answer.text, row)

    def _events(self, tenant_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = len(found)
            path = f"/events?limit=200&after={after}"
            page: list[dict[str, Any]] = self._call("GET", path, tenant_id, 1).json()
            found += page
            if not page:
                return found


def _payment(draw: Draw, user: str, amount: Decimal) -> Row:
    body: dict[str, object] = {"user_id": user, "amount": amount}
    if kind := draw(st.sampled_from([None, "deposit", "deposit", "withdrawal"])):
        body["type"] = kind
    if mode := draw(st.sampled_from([None, "instant", "deferred"])):
        body["mode"] = mode
    return body


def _details(draw: Draw, operation: Operation, amount: Decimal) -> Row:
    if operation == "settle":
        result = draw(st.sampled_from(["win", "win", "loss"]))
        own = result == "win" and draw(st.integers(0, 2)) == 0
        return {"result": result, **({"payout": amount} if own else {})}
    if operation in {"cancel", "fail"} and draw(st.booleans()):
        return {"reason": "rain"}
    return {}


def _listed(book: Book, user: str, position: int | None = None) -> Row:
    bets = book.bets_of(user, position)
    return {"bets": bets, "total": len(bets), "next_cursor": None}


def _id_of(answer: httpx.Response) -> str:
    body = answer.json()
    return str(body.get("bet_id") or body.get("payment_id") or "")


def _fits(answer: httpx.Response, expected: Answer) -> bool:
    told = exactly(answer)
    fresh = answer.status_code < httpx.codes.BAD_REQUEST and not expected.members.get("duplicate")
    if fresh and told.get("duplicate"):
        return False
    return answer.status_code == expected.status and _has(told, expected.members)


def _has(told: Any, expected: Any) -> bool:
    """Whether all that is expected is told; times are not known beforehand."""
    if isinstance(expected, dict):
        return all(name in told and _has(told[name], value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(told) == len(expected) and all(map(_has, told, expected))
    return bool(told == expected)
