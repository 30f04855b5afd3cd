"""A play of one tenant: everything that can be asked, done, repeated and refused, in one order."""

from asyncio import Barrier
from collections.abc import Mapping
from itertools import count, product
from typing import Any, Final

import httpx

from tests.app.api.askings import answer_to
from tests.app.api.hazards import MOST_BYTES
from tests.app.api.likeness import Likeness, likeness
from tests.app.api.operations import READS
from tests.app.api.variations import variations
from tests.conftest import Client, bet_body

FORMS: Final = ("application/json", "application/cloudevents-batch+json", "image/png")
_USERS: Final = ("anna", "bert")
# What is done to a bet one after the other, and to a payment.
_OF_BETS: Final[tuple[tuple[tuple[str, object], ...], ...]] = (
    (("confirm", None), ("confirm", None), ("settle", {"result": "win"}), ("cancel", None)),
    (("settle", {"result": "loss"}), ("settle", {"result": "win"})),
    (("settle", {"result": "win", "payout": "0.0001"}),),
    (("cancel", {"reason": "rain"}), ("confirm", None)),
    (),
)
_OF_PAYMENTS: Final = (("complete", "complete"), ("fail", "complete"), ())


class Player:
    """Plays as a tenant, each request at once with the others who wait at the `barrier`.

    `answers` are what came back, their ids numbered through the whole play. What is the same in
    all plays are users, keys and everything else that a caller chooses.
    """

    def __init__(self, client: Client, barrier: Barrier) -> None:
        self.answers: Final[list[Likeness]] = []
        self._client: Final = client
        self._barrier: Final = barrier
        self._ids: Final[dict[str, str]] = {}
        self._keys: Final = count(1)

    async def play(self) -> list[Likeness]:
        """Play all of it."""
        nobody = {"bet_id": "none", "payment_id": "none", "user_id": "anna"}
        for operation in READS:
            await self._ask("GET", operation.template.format(**nobody))
        payments, bets = await self._pay(), await self._bet()
        await self._err(bets[0])
        ids = {"bet_id": bets[0][6:], "payment_id": payments[-1][10:], "user_id": "anna"}
        await self._read(ids)
        await self._walk()
        await self._follow()
        return self.answers

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        sent = {"X-Tenant-Id": str(self._client.tenant_id), **(headers or {})}
        await self._barrier.wait()
        answer = await self._client.http.request(method, path, headers=sent, **content)
        self.answers.append(likeness(answer, self._ids))
        return answer

    async def _command(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        """Send a command, and send it again."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Idempotency-Key", f"key {next(self._keys)}")
        first = await self._ask("POST", path, named, json=body)
        await self._ask("POST", path, named, json=body)
        return first

    async def _pay(self) -> list[str]:
        """Make payments of every kind; the paths of those that were taken."""
        paths: list[str] = []
        kinds = product(_USERS, ("deposit", "withdrawal"), ("instant", "deferred"))
        for user, kind, mode in kinds:
            for amount, moves in zip((700, 90_000, "0.5"), _OF_PAYMENTS, strict=True):
                body = {"user_id": user, "amount": amount, "type": kind, "mode": mode}
                made = await self._command("/payments", body)
                if made.is_success:
                    paths.append(made.headers["Location"])
                    for move in moves:
                        await self._command(f"{paths[-1]}/{move}")
        return paths

    async def _bet(self) -> list[str]:
        """Place bets that come to every end; their paths."""
        paths: list[str] = []
        for user in _USERS:
            await self._command("/payments", {"user_id": user, "amount": 100})
        for user, moves in product(_USERS, _OF_BETS):
            made = await self._command("/bets", bet_body(user_id=user, stake=len(paths) + 1))
            paths.append(made.headers["Location"])
            for number, (move, body) in enumerate(moves, start=1):
                path = f"{paths[-1]}/{move}"
                await self._command(path, body, If_Match='"9"')
                await self._command(path, body, If_Match=f'"{number}", "{number + 1}"')
        return paths

    async def _err(self, bet: str) -> None:
        """Send what is refused: used keys, strange headers, bodies and paths."""
        key = {"Idempotency-Key": "key 1"}
        await self._ask("POST", "/bets", key, json=bet_body())
        await self._ask("POST", f"{bet}/confirm", key)
        await self._ask("POST", f"{bet}/confirm")
        await self._ask("POST", "/bets", {"Idempotency-Key": ""}, json=bet_body())
        await self._ask("POST", "/bets", key, json={})
        await self._ask("POST", "/bets", key, content=b"{")
        await self._ask("POST", "/bets", key, content=b"x" * (MOST_BYTES + 1))
        await self._ask("POST", "/payments", key, json={"user_id": "anna", "amount": "NaN"})
        await self._command("/bets", bet_body(stake="9999999999999999.9999"))
        await self._command("/bets/nothing/settle", {"result": "win"})
        await self._command("/payments/nothing/complete", If_Match='"1"')
        for path in ("/bets/%00", "/nothing", "/feed?after=-1", "/users/top?by=nothing"):
            await self._ask("GET", path)
        await self._ask("DELETE", bet)

    async def _read(self, ids: Mapping[str, str]) -> None:
        """Read everything, in every way."""
        (first,) = (await self._ask("GET", "/events?limit=1")).json()
        for operation in READS:
            path = operation.template.format(**ids)
            for query in variations(operation, 1, now=first["created_at"]):
                await self._ask("GET", f"{path}?{query}")
        for form in FORMS:
            await self._ask("GET", "/feed", {"Accept": form})
        for path in ("/bets/{bet_id}", "/payments/{payment_id}"):
            await self._ask("GET", path.format(**ids), {"If-None-Match": "*"})

    async def _walk(self) -> None:
        """Walk lists page by page."""
        for name in ("bets", "payments"):
            query = "limit=2"
            while query:
                page = (await self._ask("GET", f"/users/anna/{name}?{query}")).json()
                cursor = page["next_cursor"]
                query = f"limit=2&cursor={cursor}" if cursor else ""

    async def _follow(self) -> None:
        """Follow the log until there is nothing to tell."""
        headers = {"X-Tenant-Id": str(self._client.tenant_id)}
        request = self._client.http.build_request("GET", "/feed/stream", headers=headers)
        await self._barrier.wait()
        answer = await answer_to(self._client.http, request)
        self.answers.append(likeness(answer, self._ids))
