"""Status and wallet of a tenant change while commands are on their way."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import cycle, groupby, pairwise
from typing import Any

import asyncpg
import httpx
import pytest

from app import tenants
from app.verification import verify
from domain.tenant import ChangeTenant
from tests.app.api.book import exactly, placed
from tests.app.ledger import Connection, assert_sound
from tests.app.locks import observer, until, waiting
from tests.conftest import DEFAULT_TENANT, EXTERNAL_TENANT, Client, StartService

STAKE = Decimal(10)
PLAYERS = 4


async def change(client: Client, **fields: str) -> httpx.Response:
    """Ask for these fields of the caller's tenant to be changed."""
    return await client.http.patch(f"/tenants/{client.tenant_id}", json=fields)


async def position(connection: Connection) -> int:
    """Where the default tenant's log ends."""
    query = "SELECT position FROM tenant_heads WHERE tenant_id = $1"
    return int(await connection.fetchval(query, DEFAULT_TENANT))


@pytest.fixture
async def replicas(start_service: StartService) -> AsyncGenerator[list[Client], None]:
    """Callers of two services on the same database."""
    async with start_service() as one, start_service() as two:
        yield [one, two]


@asynccontextmanager
async def playing(
    over: asyncio.Event, games: list[Coroutine[Any, Any, None]]
) -> AsyncGenerator[None, None]:
    """Have `games` played meanwhile, each of which ends by itself once it is `over`."""
    played = asyncio.gather(*games)
    try:
        yield
    finally:
        over.set()
        await played


class Answers:
    """The statuses of bets, by the round in which they were sent."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.rounds: list[list[int]] = [[]]

    async def play(self, client: Client) -> None:
        """Place one bet after the other."""
        while not self.over.is_set():
            sent_in = self.rounds[-1]
            sent_in.append((await client.place_bet()).status_code)

    async def next_round(self) -> set[int]:
        """What some bets are answered that are sent from now on."""
        answers: list[int] = []
        self.rounds.append(answers)

        async def enough() -> bool:
            return len(answers) >= 3 * PLAYERS

        await until(enough)
        return set(answers)


async def test_no_process_takes_a_bet_while_the_tenant_is_suspended(
    replicas: list[Client], connection: Connection
) -> None:
    answers, turns = Answers(), cycle(replicas)
    async with playing(answers.over, [answers.play(next(turns)) for _ in range(PLAYERS)]):
        for _ in range(8):
            assert await answers.next_round() == {201}
            assert (await change(next(turns), status="suspended")).status_code == 200
            before = await position(connection)
            assert await answers.next_round() == {403}
            assert await position(connection) == before
            assert (await change(next(turns), status="active")).status_code == 200
    told = Counter(status for sent_in in answers.rounds for status in sent_in)
    assert told.keys() == {201, 403}
    assert len(await assert_sound(connection, DEFAULT_TENANT)) == told[201]


class Games:
    """Bets that are placed and closed at once; `placed` of them so far."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.placed = 0

    async def play(self, client: Client, user_id: str) -> None:
        """Place bets and close them, one after the other."""
        closings: list[tuple[str, object]] = [
            ("cancel", None),
            ("settle", {"result": "win"}),
            ("settle", {"result": "loss"}),
        ]
        for action, body in cycle(closings):
            if self.over.is_set():
                return
            bet_id = await placed(client, user_id=user_id, stake=str(STAKE))
            self.placed += 1
            assert (await client.post(f"/bets/{bet_id}/{action}", body)).status_code == 200

    async def go_on(self) -> None:
        """Wait until a bet has been placed that was sent from now on."""
        start = self.placed

        async def enough() -> bool:
            return self.placed > start + PLAYERS

        await until(enough)


async def test_every_bet_goes_by_one_wallet_from_its_beginning_to_its_end(
    replicas: list[Client], connection: Connection
) -> None:
    games, turns = Games(), cycle(replicas)
    users = [f"user-{number}" for number in range(PLAYERS)]
    for user_id in users:
        assert (await replicas[0].deposit(user_id, 100_000)).status_code == 201
    changed, refused = 0, 0
    async with playing(games.over, [games.play(next(turns), user_id) for user_id in users]):
        await games.go_on()
        for wallet in cycle(["internal", "external"]):
            while (answer := await change(next(turns), wallet=wallet)).status_code == 409:
                assert 1 <= answer.json()["open_bets"] <= PLAYERS
                refused += 1
            assert answer.json()["wallet"] == wallet
            changed += 1
            await games.go_on()
            if changed >= 6 and refused:
                break
    await assert_sound(connection, DEFAULT_TENANT)
    assert (await verify(connection, DEFAULT_TENANT, int)).fault is None
    taken = [_taken(bet) for bet in await _bets(connection)]
    periods = [amount for amount, _ in groupby(taken)]
    assert periods[0] == 0
    assert len(periods) == changed + 1
    assert all({before, after} == {0, STAKE} for before, after in pairwise(periods))


async def _bets(connection: Connection) -> list[asyncpg.Record]:
    """Each bet of the default tenant with its movements, in the order of their placing."""
    return await connection.fetch(
        """
        SELECT bet.status, bet.payout,
               coalesce(sum((money.event_data ->> 'amount')::numeric)
                   FILTER (WHERE money.event_type LIKE '%DECREASED'), 0) AS taken,
               coalesce(sum((money.event_data ->> 'amount')::numeric)
                   FILTER (WHERE money.event_type LIKE '%INCREASED'), 0) AS given
        FROM bets_view AS bet
        JOIN bet_events AS placed ON placed.tenant_id = bet.tenant_id
            AND placed.aggregate_id = bet.bet_id AND placed.version = 1
        LEFT JOIN balance_events AS money ON money.tenant_id = bet.tenant_id
            AND money.event_data ->> 'bet_id' = bet.bet_id
        WHERE bet.tenant_id = $1
        GROUP BY bet.bet_id, bet.status, bet.payout, placed.position
        ORDER BY placed.position
        """,
        DEFAULT_TENANT,
    )


def _taken(bet: asyncpg.Record) -> Decimal:
    """What the wallet took for the bet, after a look at what it gave back."""
    due = {"cancelled": STAKE, "settled": bet["payout"]}[bet["status"]]
    assert bet["given"] == (due if bet["taken"] else 0)
    return Decimal(bet["taken"])


@pytest.mark.parametrize("seen", [False, True], ids=["first command", "remembered tenant"])
async def test_a_bet_on_its_way_while_the_tenant_is_suspended_is_refused(
    client: Client, database: str, connection: Connection, seen: bool
) -> None:
    if seen:
        await client.place_bet()
    async with observer(database) as looking:
        async with connection.transaction(isolation="read_committed"):
            suspend = ChangeTenant(status="suspended")
            await tenants.change(connection, DEFAULT_TENANT, suspend)
            async with waiting(looking, client.place_bet("once")) as bet:
                pass
        assert (await bet).status_code == 403
    assert await position(connection) == seen
    await change(client, status="active")
    assert (await client.place_bet("once")).status_code == 201


async def test_a_bet_on_its_way_while_the_wallet_changes_goes_by_the_new_one(
    client: Client, database: str, connection: Connection
) -> None:
    external = client.of(EXTERNAL_TENANT)
    assert (await external.deposit("user-1", "10.50")).status_code == 201
    async with observer(database) as looking:
        async with connection.transaction(isolation="read_committed"):
            internal = ChangeTenant(wallet="internal")
            await tenants.change(connection, EXTERNAL_TENANT, internal)
            async with waiting(looking, external.place_bet(stake="10.50")) as bet:
                pass
        assert (await bet).status_code == 201
    assert (await external.get("/users/user-1/balance")).json()["balance"] == 0


@pytest.mark.parametrize("confirmed", [False, True], ids=["placed", "confirmed"])
@pytest.mark.parametrize("action", ["cancel", "settle"])
async def test_the_wallet_changes_once_the_last_open_bet_is_closed(
    client: Client, confirmed: bool, action: str
) -> None:
    bets = [await placed(client) for _ in range(2)]
    for bet_id in bets:
        if confirmed:
            await client.post(f"/bets/{bet_id}/confirm")
    for left in (2, 1):
        refused = await change(client, wallet="internal", name="Not this either")
        assert refused.status_code == 409
        assert refused.json()["type"] == "/problems/wallet-in-use"
        assert exactly(refused)["open_bets"] == left
        body = {"result": "loss"} if action == "settle" else None
        assert (await client.post(f"/bets/{bets.pop()}/{action}", body)).status_code == 200
    changed = await change(client, wallet="internal")
    assert (changed.status_code, changed.json()["name"]) == (200, "Default Tenant")
    assert (await client.place_bet()).json()["error"] == "Insufficient funds"


async def test_open_bets_keep_nobody_from_changing_the_rest(client: Client) -> None:
    await placed(client)
    fields = {"name": "Renamed", "slug": "renamed", "plan": "gold", "wallet": "external"}
    assert (await change(client, **fields, status="suspended")).status_code == 200


async def test_open_bets_of_another_tenant_are_of_no_account(client: Client) -> None:
    await placed(client)
    assert (await change(client.of(EXTERNAL_TENANT), wallet="internal")).status_code == 200


async def test_a_suspended_tenant_may_get_another_wallet(client: Client) -> None:
    await change(client, status="suspended")
    assert (await change(client, wallet="internal")).status_code == 200
    await change(client, status="active")
    assert (await client.place_bet()).json()["error"] == "Insufficient funds"
