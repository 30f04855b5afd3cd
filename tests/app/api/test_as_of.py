"""Reads of the past over HTTP: the same answers as were given then."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import asyncpg
import httpx
import pytest

from domain.recorded import instant
from tests.app.api.book import open_book, placed
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client

COMMANDS: Final[list[tuple[str, dict[str, object] | None]]] = [
    ("/payments", {"user_id": "user-1", "amount": 100}),
    ("/bets", {"user_id": "user-1", "stake": 10.5, "odds": 2.1, "fixture_id": "f"}),
    ("/bets", {"user_id": "user-1", "stake": 1, "odds": 3, "fixture_id": "f"}),
    ("/bets/{bet_id}/confirm", None),
    ("/payments", {"user_id": "user-1", "amount": 5, "type": "withdrawal", "mode": "deferred"}),
    ("/bets/{bet_id}/settle", {"result": "win"}),
    ("/payments/{payment_id}/fail", {"reason": "declined"}),
    ("/bets/{bet_id}/cancel", None),
]


class Witness:
    """Carries out commands, and asks every read that can be made of the past."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids = {"bet_id": "bet-none", "payment_id": "payment-none"}

    async def carry_out(self, path: str, body: dict[str, object] | None) -> None:
        """A command on the bet and the payment that were made last."""
        answer = await self.client.post(path.format(**self.ids), body)
        assert answer.is_success or answer.status_code == 409
        row = answer.json()
        self.ids |= {name: row[name] for name in self.ids if name in row}

    def paths(self) -> list[str]:
        """The reads, of what has been made so far."""
        lists = [f"/users/user-1/bets?status={s}" for s in ("placed", "settled", "cancelled")]
        return [
            "/bets/{bet_id}".format(**self.ids),
            "/payments/{payment_id}".format(**self.ids),
            "/users/user-1/balance",
            "/users/user-1/bets",
            *lists,
            "/tenants/summary",
        ]

    async def told(self, as_of: object = None) -> dict[str, tuple[int, bytes]]:
        """What the reads answer, now or as of then."""
        return {path: _brief(await self.ask(path, as_of)) for path in self.paths()}

    async def ask(self, path: str, as_of: object = None) -> httpx.Response:
        """What one read answers, now or as of then."""
        if as_of is None:
            return await self.client.get(path)
        return await self.client.get(f"{path}{'&' if '?' in path else '?'}as_of={as_of}")


def _brief(answer: httpx.Response) -> tuple[int, bytes]:
    # A problem tells each occurrence from the others.
    return answer.status_code, answer.content if answer.is_success else b""


async def _position(client: Client) -> int:
    return int((await client.get("/tenants/summary")).json()["last_position"])


@pytest.mark.parametrize("tenant", [EXTERNAL_TENANT, INTERNAL_TENANT])
async def test_every_read_answers_as_it_did_then(client: Client, tenant: int) -> None:
    witness = Witness(client.of(tenant))
    captured: list[tuple[int, dict[str, tuple[int, bytes]]]] = [(0, await witness.told())]
    for path, body in COMMANDS:
        await witness.carry_out(path, body)
        captured.append((await _position(witness.client), await witness.told()))
    for position, then in captured:
        for path, answer in then.items():
            assert _brief(await witness.ask(path, position)) == answer


async def test_a_time_stands_for_the_last_position_that_is_not_later(client: Client) -> None:
    witness = Witness(client)
    for path, body in COMMANDS:
        await witness.carry_out(path, body)
    events = (await client.get("/events")).json()
    offset = timezone(timedelta(hours=5, minutes=30))
    for time in {event["timestamp"] for event in events}:
        last = max(event["position"] for event in events if event["timestamp"] <= time)
        at, then = instant(time), await witness.told(last)
        assert await witness.told(_written(at)) == then
        assert await witness.told(_written(at + timedelta(microseconds=999))) == then
        encoded = at.astimezone(offset).isoformat().replace("+", "%2B")
        assert encoded.endswith("%2B05:30")
        assert await witness.told(encoded) == then
    before = _written(instant(events[0]["timestamp"]) - timedelta(milliseconds=1))
    assert await witness.told(before) == await witness.told(0)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _refused(answer: httpx.Response, reason: str, status: int = 422) -> None:
    assert answer.status_code == status, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "as_of"
    assert reason in error["detail"]


async def test_the_future_is_refused(client: Client) -> None:
    await open_book(client)
    witness = Witness(client)
    last = await _position(client)
    soon = _written(datetime.now(UTC) + timedelta(seconds=30))
    for path in witness.paths():
        refused = await witness.ask(path, last + 1)
        _refused(refused, f"in the future: the log ends at position {last}")
        assert refused.json()["error"] == "No such moment"
        _refused(await witness.ask(path, soon), "in the future: it is 20")
    assert (await witness.ask("/tenants/summary", last)).status_code == 200


async def test_a_time_before_the_tenant_is_refused(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    created = await connection.fetchval("SELECT created_at FROM tenants WHERE id = 10001")
    summary = "/tenants/summary"
    before = _written(created - timedelta(milliseconds=1))
    witness = Witness(client)
    _refused(await witness.ask(summary, before), "before the tenant, which began at 20")
    _refused(await witness.ask(summary, "0001-01-01T00:00:00%2B14:00"), "before the tenant")
    first = await witness.ask(summary, _written(created))
    assert (first.status_code, first.json()["last_position"]) == (200, 0)


async def test_a_tenant_began_with_its_first_event_if_that_is_older_than_the_tenants_row(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await open_book(client)
    (first, *_) = (await client.get("/events")).json()
    await connection.execute("UPDATE tenants SET created_at = now() + interval '1 hour'")
    at, witness = instant(first["timestamp"]), Witness(client)
    assert (await witness.ask("/tenants/summary", _written(at))).status_code == 200
    before = _written(at - timedelta(milliseconds=1))
    _refused(await witness.ask("/tenants/summary", before), "before the tenant")


async def test_an_event_ahead_of_the_clock_is_no_future(
    client: Client, connection: "asyncpg.Connection[Any]"
) -> None:
    await placed(client)
    ahead = int(datetime.now(UTC).timestamp()) * 1000 + 3_600_000
    await connection.execute("UPDATE tenant_heads SET last_timestamp = $1", ahead)
    await connection.execute("UPDATE tenants SET wallet = 'internal' WHERE id = 10001")
    await client.deposit("user-1", 1)
    then = _written(instant(ahead))
    summary = await client.get(f"/tenants/summary?as_of={then}")
    assert summary.json()["last_position"] == 4


async def test_an_unencoded_plus_is_refused_with_what_to_write_instead(client: Client) -> None:
    for path in Witness(client).paths():
        answer = await Witness(client).ask(path, "2026-11-21T12:00:00+00:00")
        _refused(answer, "write the + of an offset as %2B", status=400)


async def test_an_unknown_tenant_has_no_past(client: Client) -> None:
    answer = await client.of(99_999).get("/tenants/summary?as_of=0")
    assert (answer.status_code, answer.json()["error"]) == (404, "Tenant not found")


async def test_what_did_not_exist_yet_is_not_found(client: Client) -> None:
    book = await open_book(client)
    for path, error in (
        (f"/bets/{book.bet_id}", "Bet not found"),
        (f"/payments/{book.payment_id}", "Payment not found"),
    ):
        answer = await client.get(f"{path}?as_of=1")
        assert (answer.status_code, answer.json()["error"]) == (404, error)
        assert answer.json()["detail"].startswith("There was no ")


async def test_a_tenant_sees_nothing_of_the_past_of_another(client: Client) -> None:
    book, other = await open_book(client), client.of(EXTERNAL_TENANT)
    await open_book(other, "somebody")
    assert (await other.get(f"/bets/{book.bet_id}?as_of=5")).status_code == 404
    assert (await other.get("/users/user-1/bets?as_of=5")).json()["total"] == 0
    assert (await other.get("/users/user-1/balance?as_of=5")).json()["balance"] == 0


async def test_a_state_of_the_past_has_the_etag_of_its_version(client: Client) -> None:
    book = await open_book(client)
    await client.post(f"/bets/{book.bet_id}/confirm")
    path = f"/bets/{book.bet_id}?as_of=4"
    assert (await client.get(path)).headers["ETag"] == '"1"'
    unchanged = await client.get(path, headers={"If-None-Match": '"1"'})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (await client.get(path, headers={"If-None-Match": '"2"'})).status_code == 200


async def test_pages_of_the_past_are_walked_while_its_bets_move(client: Client) -> None:
    bets = [await placed(client) for _ in range(6)]
    position = await _position(client)
    found: list[str] = []
    path = f"/users/user-1/bets?status=placed&limit=2&as_of={position}"
    cursor = ""
    for bet_id in bets[::2]:
        page = (await client.get(f"{path}{cursor}")).json()
        assert page["total"] == 6
        found += [bet["bet_id"] for bet in page["bets"]]
        cursor = f"&cursor={page['next_cursor']}"
        await client.post(f"/bets/{bet_id}/cancel")
    assert found == bets[::-1]
    assert cursor == "&cursor=None"


async def test_a_cursor_is_good_for_its_own_moment_only(client: Client) -> None:
    for _ in range(4):
        await placed(client)
    path = "/users/user-1/bets?limit=1"
    now = (await client.get(path)).json()["next_cursor"]
    then = (await client.get(f"{path}&as_of=3")).json()["next_cursor"]
    for query in (f"cursor={then}", f"as_of=2&cursor={then}", f"as_of=4&cursor={now}"):
        refused = await client.get(f"{path}&{query}")
        assert (refused.status_code, refused.json()["error"]) == (400, "Invalid cursor")
    assert (await client.get(f"{path}&as_of=3&cursor={then}")).status_code == 200
