"""Customers who send each command with its key until it is answered."""

import asyncio
from random import Random
from time import monotonic
from typing import Any, Final, NamedTuple

import httpx

from tests.conftest import INTERNAL_TENANT, Client
from tests.faults.orders import Order, Orders

PATIENCE_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.02


class Told(NamedTuple):
    """An order's answer, and how often it had to be sent to get one."""

    key: str
    order: Order
    status: int
    answer: dict[str, Any]
    replayed: bool
    attempts: int

    @property
    def at_once(self) -> bool:
        """Whether the first request was answered, as one that nobody sent before."""
        duplicate = self.answer.get("duplicate", False) or self.replayed
        return (self.attempts, self.status, duplicate) == (1, self.order.status, False)

    @property
    def right(self) -> bool:
        """Whether it is an answer that the order can have got; a duplicate only of a retry."""
        carried_out = 200 if self.replayed and self.order.status == 201 else self.order.status
        return self.at_once or (self.attempts > 1 and self.status == carried_out)


class Customer:
    """One user of a tenant, who orders one thing after the other and sees each through.

    Speaks to the next of `clients`, replicas of the service, whenever one gives no answer.
    """

    def __init__(self, user_id: str, random: Random, *clients: Client) -> None:
        self.tenant_id = clients[0].tenant_id
        self.user_id = user_id
        self.orders = Orders(user_id, random, internal=self.tenant_id == INTERNAL_TENANT)
        self.told: list[Told] = []
        self._clients = clients

    async def act(self) -> Told:
        """Order something, and send it until it is answered."""
        told = await self._insist(self.orders.next(), f"{self.user_id}-{len(self.told)}")
        assert told.right, told
        self.told.append(told)
        if told.order.status < 300:
            self.orders.take(told.order, told.answer)
        return told

    async def act_until(self, enough: asyncio.Event) -> None:
        """Order one thing after the other until it is `enough`."""
        while not enough.is_set():
            await self.act()

    async def _insist(self, order: Order, key: str) -> Told:
        latest, attempts = monotonic() + PATIENCE_SECONDS, 0
        while True:
            client = self._clients[attempts % len(self._clients)]
            attempts += 1
            try:
                answer = await client.post(order.path, order.body, key)
            except httpx.TransportError:
                assert monotonic() < latest, order
            else:
                if answer.status_code != 503:
                    replayed = "Idempotent-Replayed" in answer.headers
                    told = (answer.status_code, answer.json(), replayed)
                    return Told(key, order, *told, attempts)
                assert monotonic() < latest, (order, answer.text)
            await asyncio.sleep(PAUSE_SECONDS)
