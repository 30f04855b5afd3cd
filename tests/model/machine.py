"""A machine that drives two processes of the service and keeps the books beside them."""

import asyncio
from collections.abc import Collection, Sequence
from decimal import Decimal
from itertools import count, permutations
from typing import Any, ClassVar, Final, NamedTuple, cast

import httpx
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from app.exact_json import ENCODER
from tests.app.api.book import exactly
from tests.conftest import Client
from tests.model.book import Book
from tests.model.messages import Answer, Request, Row, Wallet
from tests.model.plans import PLANS, USERS, Plan
from tests.model.readings import now, then

STEPS: Final = 50
AT_ONCE: Final = 3  # requests, of which every order is tried
_WALLETS: Final[tuple[Wallet, ...]] = ("external", "internal")
_FUNDS: Final = Decimal(500)
_FUTURE: Final = 422
_FAR: Final = 1_000
_PROCESSES: Final = st.integers(0, 1)
_TENANTS: Final = st.integers(0, len(_WALLETS) - 1)
_ONE_OF_MANY: Final = st.integers(0, _FAR)


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
    _numbers: ClassVar = count(50_001)
    _keys: ClassVar = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.books: dict[int, Book] = {}
        self.sent: dict[int, list[Request]] = {}

    @initialize()
    def open_books(self) -> None:
        """Make the tenants, in which some users have money to bet with."""
        for wallet in _WALLETS:
            tenant_id = next(self._numbers)
            made = {"id": tenant_id, "name": wallet, "slug": f"t-{tenant_id}", "wallet": wallet}
            answer = self._call("POST", "/tenants", tenant_id, 0, made)
            assert answer.status_code == httpx.codes.CREATED
            self.books[tenant_id], self.sent[tenant_id] = Book(wallet), []
            for user in USERS[1:]:
                paid = {"user_id": user, "amount": _FUNDS}
                self._send(tenant_id, [Sent(Request(f"funds of {user}", "pay", paid), 0)])

    @rule(tenant=_TENANTS, plan=PLANS, process=_PROCESSES)
    def send(self, tenant: int, plan: Plan, process: int) -> None:
        """Send one command."""
        tenant_id = self._ids[tenant]
        self._send(tenant_id, [Sent(self._request(plan, tenant_id), process)])

    @rule(
        tenant=_TENANTS,
        plans=st.lists(
            st.tuples(PLANS, _PROCESSES, st.integers(0, 4)), min_size=2, max_size=AT_ONCE
        ),
    )
    def send_at_once(self, tenant: int, plans: list[tuple[Plan, int, int]]) -> None:
        """Send some at once, to both processes, also one twice; any order of them will do."""
        tenant_id = self._ids[tenant]
        group: list[Sent] = []
        for plan, process, differs in plans:
            same = group and not differs
            request = group[-1].request if same else self._request(plan, tenant_id)
            group.append(Sent(request, process))
        self._send(tenant_id, group)

    @rule(tenant=_TENANTS, number=st.integers(1, 20), process=_PROCESSES)
    def repeat(self, tenant: int, number: int, process: int) -> None:
        """Send one of the last commands again."""
        tenant_id = self._ids[tenant]
        for request in self.sent[tenant_id][-number:][:1]:
            self._send(tenant_id, [Sent(request, process)])

    @rule(tenant=_TENANTS, number=st.integers(1, 20), process=_PROCESSES, plan=PLANS)
    def use_a_key_again(self, tenant: int, number: int, process: int, plan: Plan) -> None:
        """Send another command under the key of one of the last."""
        tenant_id = self._ids[tenant]
        for request in self.sent[tenant_id][-number:][:1]:
            other = plan.request(self.books[tenant_id], request.key)
            self._send(tenant_id, [Sent(other, process)])

    @rule(tenant=_TENANTS, process=_PROCESSES, suspended=st.integers(0, 3))
    def change_tenant(self, tenant: int, process: int, suspended: int) -> None:
        """Suspend a tenant, or let it go on, which is done more often."""
        tenant_id = self._ids[tenant]
        status = "active" if suspended else "suspended"
        answer = self._call(
            "PATCH", f"/tenants/{tenant_id}", tenant_id, process, {"status": status}
        )
        assert answer.status_code == httpx.codes.OK
        self.books[tenant_id].suspended = not suspended

    @rule(tenant=_TENANTS, process=_PROCESSES, which=_ONE_OF_MANY)
    def read(self, tenant: int, process: int, which: int) -> None:
        """Read something as it is now."""
        tenant_id = self._ids[tenant]
        rows = now(self.books[tenant_id])
        self._assert_read(tenant_id, process, *rows[which % len(rows)])

    @rule(tenant=_TENANTS, process=_PROCESSES, which=_ONE_OF_MANY, back=_ONE_OF_MANY)
    def read_the_past(self, tenant: int, process: int, which: int, back: int) -> None:
        """Read something as it was at any position, or as it cannot be known yet."""
        tenant_id = self._ids[tenant]
        book = self.books[tenant_id]
        position = back % (book.position + 2)
        rows = then(book, position)
        path, row = rows[which % len(rows)]
        if position > book.position:
            answer = self._call("GET", path, tenant_id, process)
            assert answer.status_code == _FUTURE
            assert answer.json()["type"] == "/problems/no-such-moment"
        else:
            self._assert_read(tenant_id, process, path, row)

    def teardown(self) -> None:
        """Everything there is must be what the books say."""
        for tenant_id, book in self.books.items():
            for path, row in now(self.books[tenant_id]):
                self._assert_read(tenant_id, 0, path, row)
            events = self._events(tenant_id)
            assert [each["position"] for each in events] == list(range(1, book.position + 1))
            for event, expected in zip(events, book.log, strict=True):
                assert event == event | expected._asdict()
            times = [each["timestamp"] for each in events]
            assert times == sorted(times)

    @property
    def _ids(self) -> Sequence[int]:
        return list(self.books)

    def _request(self, plan: Plan, tenant_id: int) -> Request:
        return plan.request(self.books[tenant_id], f"key-{next(self._keys)}")

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


def run(
    stage: Stage, *, examples: int, run_seed: str, phases: Collection[Phase] = tuple(Phase)
) -> None:
    """Let the machine take `STEPS` steps, `examples` times; what they are comes of the seed.

    Raises:
        AssertionError: the service did something that the books do not say.
    """

    @seed(run_seed)
    class OnStage(Machine):
        pass

    OnStage.stage = stage
    run_state_machine_as_test(
        OnStage,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=phases,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


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
        members = cast("Row", expected)
        return all(name in told and _has(told[name], value) for name, value in members.items())
    if isinstance(expected, list):
        items = cast("list[object]", expected)
        return len(told) == len(items) and all(map(_has, told, items))
    return bool(told == expected)
