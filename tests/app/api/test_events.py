"""The routes of the log: one aggregate's events, a period, everything after a position."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.app.api.book import balance, exactly, open_book, paid, placed
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client


async def _history(client: Client) -> list[dict[str, Any]]:
    """Six events on all three streams."""
    book = await open_book(client)
    await client.post(f"/bets/{book.bet_id}/confirm")
    events: list[dict[str, Any]] = (await client.get("/events")).json()
    assert len(events) == 6
    return events


async def test_a_bets_events_come_in_version_order(client: Client) -> None:
    bet_id = await placed(client, user_id="u", stake="10.50")
    await client.post(f"/bets/{bet_id}/confirm", None, "confirming")
    await client.post(f"/bets/{bet_id}/settle", {"result": "win"})
    events = exactly(await client.get(f"/bets/{bet_id}/events"))
    assert [event["version"] for event in events] == [1, 2, 3]
    assert [event["event_name"] for event in events] == [
        "v1.bets.bet.placed",
        "v1.bets.bet.confirmed",
        "v1.bets.bet.settled",
    ]
    assert events[0]["event_data"] == {
        "user_id": "u",
        "stake": Decimal("10.5"),
        "odds": Decimal("2.1"),
        "fixture_id": "fixture-7",
    }
    assert events[1]["event_data"] == {}
    assert events[1]["idempotency_key"] == "confirming"
    assert events[2]["event_data"] == {"result": "win", "payout": Decimal("22.05")}
    assert {event["aggregate_id"] for event in events} == {bet_id}
    assert all(len(event["hash"]) == 64 for event in events)


async def test_a_payments_events_come_in_version_order(client: Client) -> None:
    payment_id = await paid(client)
    await client.post(f"/payments/{payment_id}/fail", {"reason": "declined"})
    events = (await client.get(f"/payments/{payment_id}/events")).json()
    assert [event["event_type"] for event in events] == [
        "V1_PAYMENTS_DEPOSIT_CREATED",
        "V1_PAYMENTS_DEPOSIT_FAILED",
    ]
    assert events[1]["event_data"]["reason"] == "declined"


async def test_a_balances_events_come_in_version_order_and_in_pages(client: Client) -> None:
    for amount in range(1, 6):
        await client.deposit("u", amount)
    path = "/users/u/balance/events"
    events = (await client.get(path)).json()
    assert [event["event_data"]["amount"] for event in events] == [1, 2, 3, 4, 5]
    assert [event["version"] for event in events] == [1, 2, 3, 4, 5]
    page = (await client.get(f"{path}?after_version=2&limit=2")).json()
    assert page == events[2:4]
    assert sum(event["event_data"]["amount"] for event in events) == await balance(client, "u")


@pytest.mark.parametrize(
    "path", ["/bets/nobody/events", "/payments/nobody/events", "/users/nobody/balance/events"]
)
async def test_what_does_not_exist_has_no_events(client: Client, path: str) -> None:
    assert (await client.get(path)).json() == []


async def test_the_log_merges_the_streams_in_position_order(client: Client) -> None:
    events = await _history(client)
    assert [event["position"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event["event_type"].split("_")[1] for event in events] == [
        "PAYMENTS",
        "PAYMENTS",
        "BALANCES",
        "BETS",
        "PAYMENTS",
        "BETS",
    ]
    assert all(one["timestamp"] <= next_["timestamp"] for one, next_ in pairwise(events))
    assert len({event["id"] for event in events}) == 6
    assert {event["tenant_id"] for event in events} == {10001}


@pytest.mark.parametrize(
    ("stream", "positions"), [("bet", [4, 6]), ("payment", [1, 2, 5]), ("balance", [3])]
)
async def test_the_log_of_one_stream(client: Client, stream: str, positions: list[int]) -> None:
    await _history(client)
    for period in ("", "&start_time=0"):
        found = (await client.get(f"/events?stream={stream}{period}")).json()
        assert [event["position"] for event in found] == positions


async def test_the_log_is_followed_by_position(client: Client) -> None:
    events = await _history(client)
    followed: list[dict[str, Any]] = []
    while page := (
        await client.get(f"/events?limit=4&after={followed[-1]['position'] if followed else 0}")
    ).json():
        followed += page
    assert followed == events
    assert (await client.get("/events?after=6")).json() == []
    assert (await client.get(f"/events?after={2**63 - 1}")).json() == []


async def test_a_period_includes_both_its_ends(client: Client) -> None:
    events = await _history(client)
    times = [event["timestamp"] for event in events]
    assert max(times) - min(times) < 60_000
    for start in range(min(times) - 1, max(times) + 2):
        for end in {start, start + 3, max(times)}:
            found = (await client.get(f"/events?start_time={start}&end_time={end}")).json()
            assert found == [each for each in events if start <= each["timestamp"] <= end]
        if start - min(times) > 20:
            break


@pytest.mark.parametrize("bound", ["start_time", "end_time"])
async def test_a_period_may_be_open_at_one_end(client: Client, bound: str) -> None:
    events = await _history(client)
    middle = events[3]["timestamp"]
    found = (await client.get(f"/events?{bound}={middle}")).json()
    expected = [
        each
        for each in events
        if (each["timestamp"] >= middle if bound == "start_time" else each["timestamp"] <= middle)
    ]
    assert found == expected
    page = (await client.get(f"/events?{bound}={middle}&after={expected[0]['position']}")).json()
    assert page == expected[1:]


async def test_a_period_that_ends_before_it_starts_is_empty(client: Client) -> None:
    await _history(client)
    assert (await client.get("/events?start_time=5&end_time=4")).json() == []


@pytest.mark.parametrize(("limit", "status"), [(1, 200), (1000, 200), (1001, 400), (0, 400)])
async def test_at_most_a_thousand_events_at_once(client: Client, limit: int, status: int) -> None:
    await _history(client)
    for path in ("/events", "/users/user-1/balance/events"):
        assert (await client.get(f"{path}?limit={limit}")).status_code == status


async def test_the_events_of_a_command_share_its_id_as_their_cause(client: Client) -> None:
    await _history(client)
    repeated = [await client.place_bet("once") for _ in range(2)]
    assert [answer.status_code for answer in repeated] == [201, 200]
    events = (await client.get("/events")).json()
    causes: dict[str, list[int]] = {}
    for event in events:
        causes.setdefault(event["metadata"]["causation_id"], []).append(event["position"])
    assert list(causes.values()) == [[1, 2, 3], [4], [5], [6], [7]]
    assert all(event["metadata"].keys() <= {"causation_id", "related_to"} for event in events)


async def test_tenants_number_their_events_on_their_own(client: Client) -> None:
    for tenant_id in (10001, EXTERNAL_TENANT, INTERNAL_TENANT):
        caller = client.of(tenant_id)
        await caller.deposit("u", 1)
        events = (await caller.get("/events")).json()
        assert [event["position"] for event in events] == [1, 2, 3]
        assert {event["tenant_id"] for event in events} == {tenant_id}
