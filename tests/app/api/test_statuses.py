"""Each operation answers every status that its document lists, and no other."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.app.api.book import Book, open_book
from tests.app.api.documented import statuses_of
from tests.app.api.hazards import MOST_BYTES
from tests.app.api.operations import BODIES, OPERATIONS, STREAMS, Operation
from tests.app.api.tokens import WITH_SECRET, bearer, calling, token
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client, StartService

CREATIONS = {"placeBet", "makePayment", "createTenant"}


class Caller:
    """Provokes the statuses of one operation."""

    def __init__(
        self,
        operation: Operation,
        client: Client,
        connection: "asyncpg.Connection[Any]",
        book: Book,
        start_service: StartService,
    ) -> None:
        self.operation = operation
        self.client = client
        self.start_service = start_service
        self.connection = connection
        self.path = book.fill(operation.template)
        self.book = book

    @property
    def of_all_tenants(self) -> str | None:
        """The collection that the operation reads something of, if that needs no tenant."""
        collection = self.operation.template.split("/")[1]
        return collection if collection in {"problems", "schemas"} else None

    @property
    def of_the_registry(self) -> bool:
        """Whether the operation is about tenants themselves."""
        in_header = "X-Tenant-Id" in self.operation.parameters("header")
        return self.operation.template.startswith("/tenants") and not in_header

    async def provoke(self, status: int) -> httpx.Response:
        """Make a request that has to be answered with `status`."""
        provocation = getattr(self, f"_provoke_{status}")
        answer: httpx.Response = await provocation()
        return answer

    async def _send(self, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"X-Tenant-Id": str(DEFAULT_TENANT), "Idempotency-Key": f"once {named}"}
        method, body = self.operation.method, BODIES.get(self.operation.id)
        if self.operation.id not in STREAMS:
            return await self.client.http.request(
                method, self.path, headers=sent | named, json=body
            )
        async with self.client.http.stream(method, self.path, headers=sent | named) as answer:
            if answer.is_error:
                await answer.aread()
            return answer

    async def _send_raw(self, content: bytes, media_type: str) -> httpx.Response:
        headers = {"X-Tenant-Id": str(DEFAULT_TENANT), "Idempotency-Key": "raw"}
        headers["Content-Type"] = media_type
        headers["Connection"] = "close"  # what the server did not read ends the connection
        method = self.operation.method
        return await self.client.http.request(method, self.path, content=content, headers=headers)

    async def _provoke_200(self) -> httpx.Response:
        return await self._send()

    async def _provoke_201(self) -> httpx.Response:
        return await self._send()

    async def _provoke_304(self) -> httpx.Response:
        return await self._send(If_None_Match="*")

    async def _provoke_400(self) -> httpx.Response:
        if collection := self.of_all_tenants:
            return await self.client.http.get(f"/{collection}/%00")
        if self.of_the_registry:
            path = "/tenants/0" if "{" in self.operation.template else "/tenants?limit=0"
            return await self.client.http.request(self.operation.method, path, json={})
        return await self._send(X_Tenant_Id="none")

    async def _provoke_401(self) -> httpx.Response:
        return await self._send(**bearer("nonsense"))

    async def _provoke_403(self) -> httpx.Response:
        if self.of_the_registry:
            return await self._send(**bearer(token(scope="bets:read")))
        if self.operation.method == "GET":
            return await self._send(**bearer(token(tenants=[])))
        await self.connection.execute("UPDATE tenants SET status = 'suspended'")
        answer = await self._send(Idempotency_Key="while suspended")
        await self.connection.execute("UPDATE tenants SET status = 'active'")
        return answer

    async def _provoke_404(self) -> httpx.Response:
        if collection := self.of_all_tenants:
            return await self.client.http.get(f"/{collection}/nothing")
        if self.of_the_registry:
            return await self.client.http.request(self.operation.method, "/tenants/9", json={})
        return await self._send(X_Tenant_Id="99999", **bearer(token(tenants=[99999])))

    async def _provoke_406(self) -> httpx.Response:
        return await self._send(Accept="image/png")

    async def _provoke_409(self) -> httpx.Response:
        if self.of_the_registry:  # the slug in the bodies becomes another tenant's
            await self.connection.execute("UPDATE tenants SET slug = 'tenant-' || id")
            await self.connection.execute(
                "UPDATE tenants SET slug = 'renamed' WHERE id = $1", EXTERNAL_TENANT
            )
            return await self._send()
        for action in ("/bets/{bet_id}/cancel", "/payments/{payment_id}/fail"):
            await self.client.post(self.book.fill(action))
        return await self._send(Idempotency_Key="too late")

    async def _provoke_412(self) -> httpx.Response:
        return await self._send(If_Match='"99"')

    async def _provoke_413(self) -> httpx.Response:
        return await self._send_raw(b" " * (MOST_BYTES + 1), "application/json")

    async def _provoke_415(self) -> httpx.Response:
        return await self._send_raw(b"{}", "text/plain")

    async def _provoke_422(self) -> httpx.Response:
        if self.operation.method == "GET":
            return await self.client.get(f"{self.path}?as_of={2**63 - 1}")
        await self.client.place_bet("taken", user_id="somebody else")
        return await self._send(Idempotency_Key="taken")

    async def _provoke_429(self) -> httpx.Response:
        async with self.start_service(commands_per_second=0.001, reads_per_second=0.001) as limited:
            again = Caller(self.operation, limited, self.connection, self.book, self.start_service)
            await again.provoke(404)
            return await again.provoke(404)

    async def _provoke_500(self) -> httpx.Response:
        for table in await self._tables():
            await self.connection.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')
        return await self._send(Idempotency_Key="when tables are gone")

    async def _provoke_503(self) -> httpx.Response:
        async with self.connection.transaction():
            for table in await self._tables():
                await self.connection.execute(f'LOCK TABLE "{table}" IN ACCESS EXCLUSIVE MODE')
            return await self._send(Idempotency_Key="while locked")

    async def _tables(self) -> list[str]:
        found = await self.connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return [name for (name,) in found]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)
async def test_every_documented_status_can_be_provoked(
    start_service: StartService,
    connection: "asyncpg.Connection[Any]",
    operation: Operation,
    subtests: pytest.Subtests,
) -> None:
    documented = sorted(statuses_of(operation), key=lambda status: (status == 500, status))
    if operation.id in CREATIONS:
        documented[:2] = [201, 200]
    assert documented
    impatient = {"statement_timeout_seconds": 0.6, "command_timeout_seconds": 1.2}
    async with (
        start_service(**WITH_SECRET, **impatient) as service,
        calling(service, token()) as client,
    ):
        caller = Caller(operation, client, connection, await open_book(client), start_service)
        for status in documented:
            with subtests.test(str(status)):
                answer = await caller.provoke(status)
                assert answer.status_code == status
