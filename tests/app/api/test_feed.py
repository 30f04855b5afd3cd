"""The feed page by page: its content, its forms, how one goes on, how one waits."""

import asyncio
import json
import re
from datetime import datetime
from io import BytesIO
from time import monotonic
from typing import Any

import httpx
import pytest

from app import avro_events
from tests.app.api.book import exactly, open_book
from tests.app.followers import followers, until_followed
from tests.app.ledger import Connection
from tests.app.submissions import place
from tests.app.units import committing
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT, Client, StartService

EVENTS = "application/json"
CLOUDEVENTS = "application/cloudevents-batch+json"
AVRO = "application/vnd.apache.avro+binary"


async def _get(client: Client, path: str, accept: str) -> httpx.Response:
    return await client.get(path, headers={"Accept": accept})


async def test_the_feed_holds_what_the_log_holds_to_the_last_digit(client: Client) -> None:
    await client.place_bet(stake="0.1000", odds="1.0001")
    await client.place_bet(stake="9007199254740993.0001", fixture_id='"quoted" \\ ü \u2028 𝄞')
    await client.deposit("u", "12.3400")
    page = await client.get("/feed")
    log = exactly(await client.get("/events"))
    assert exactly(page) == {"events": log, "next": len(log)}
    assert page.headers["Content-Type"] == EVENTS
    assert page.headers["Vary"] == "Accept"


async def test_next_and_the_link_lead_through_the_whole_log(client: Client) -> None:
    await open_book(client)
    log = (await client.get("/events")).json()
    found: list[dict[str, Any]] = []
    path = "/feed?limit=2"
    while (answer := await client.get(path)).json()["events"]:
        page = answer.json()
        found += page["events"]
        assert page["next"] == page["events"][-1]["position"]
        link = re.fullmatch(r'<(/feed\?[^>]+)>; rel="next"', answer.headers["Link"])
        assert link
        path = link[1]
        assert path == f"/feed?after={page['next']}&limit=2&wait=0"
    assert found == log
    assert answer.json() == {"events": [], "next": len(log)}


async def test_accept_chooses_the_form(client: Client, subtests: pytest.Subtests) -> None:
    await client.place_bet()
    for accept, media_type in (
        (EVENTS, EVENTS),
        (CLOUDEVENTS, CLOUDEVENTS),
        (AVRO, AVRO),
        ("*/*", EVENTS),
        ("application/*", EVENTS),
        (f"{EVENTS};q=0.5, {AVRO}", AVRO),
        (f"{EVENTS};q=0, */*", CLOUDEVENTS),
    ):
        with subtests.test(accept):
            answer = await _get(client, "/feed", accept)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"] == media_type
            assert answer.headers["Link"] == '</feed?after=1&limit=1000&wait=0>; rel="next"'


async def test_a_form_that_is_not_offered_is_refused_with_those_that_are(client: Client) -> None:
    for path, offered in (
        ("/feed", [EVENTS, CLOUDEVENTS, AVRO]),
        ("/feed/stream", ["text/event-stream"]),
    ):
        refused = await _get(client, path, "application/xml, image/*;q=0.5")
        assert refused.status_code == 406
        assert refused.json()["error"] == "Not acceptable"
        assert refused.json()["offered"] == offered


async def test_cloudevents_say_what_the_log_says(client: Client) -> None:
    await open_book(client)
    log = exactly(await client.get("/events"))
    batch = exactly(await _get(client, "/feed", CLOUDEVENTS))
    assert [_of_cloudevent(event) for event in batch] == [
        {name: event[name] for name in _of_cloudevent(batch[0])} for event in log
    ]
    for event in batch:
        assert event["specversion"] == "1.0"
        assert event["source"] == f"/tenants/{client.tenant_id}"
        assert event["datacontenttype"] == "application/json"
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)


def _of_cloudevent(event: dict[str, Any]) -> dict[str, Any]:
    moment = datetime.fromisoformat(event["time"])
    return {
        "id": event["id"],
        "tenant_id": int(event["tenantid"]),
        "position": int(event["position"]),
        "aggregate_id": event["subject"],
        "version": int(event["version"]),
        "event_name": event["type"],
        "event_data": event["data"],
        "timestamp": round(moment.timestamp() * 1000),
        "idempotency_key": event["idempotencykey"],
        "hash": event["hash"],
    }


async def test_an_avro_container_says_what_the_log_says(client: Client) -> None:
    await open_book(client)
    log = exactly(await client.get("/events"))
    answer = await _get(client, "/feed?after=1", AVRO)
    decoded = list(avro_events.decode(BytesIO(answer.content)))
    assert [
        (each.recorded.position, each.recorded.id, each.hash.hex(), each.recorded.timestamp)
        for each in decoded
    ] == [(each["position"], each["id"], each["hash"], each["timestamp"]) for each in log[1:]]
    empty = await _get(client, "/feed?after=99", AVRO)
    assert list(avro_events.decode(BytesIO(empty.content))) == []


async def test_beyond_the_head_there_is_nothing_yet(client: Client) -> None:
    await client.place_bet()
    for after in (1, 2, 2**63 - 1):
        page = await client.get(f"/feed?after={after}")
        assert page.json() == {"events": [], "next": after}


async def test_a_page_has_at_most_as_many_events_as_asked_for(client: Client) -> None:
    for _ in range(3):
        await client.place_bet()
    for limit, events in ((1, 1), (2, 2), (1000, 3)):
        page = (await client.get(f"/feed?limit={limit}")).json()
        assert len(page["events"]) == page["next"] == events
    for limit in (0, 1001):
        refused = await client.get(f"/feed?limit={limit}")
        assert refused.status_code == 400
        assert [error["pointer"] for error in refused.json()["errors"]] == ["limit"]


async def test_who_waits_is_answered_as_soon_as_there_is_an_event(client: Client) -> None:
    await client.place_bet()
    waiting = asyncio.create_task(client.get("/feed?after=1&wait=30"))
    await until_followed(client, 1)
    placed = await client.place_bet()
    began = monotonic()
    page = (await waiting).json()
    assert monotonic() - began < 0.9  # before the process has looked by itself
    assert [event["aggregate_id"] for event in page["events"]] == [placed.json()["bet_id"]]
    assert page["next"] == 2
    assert await followers(client) == 0


async def test_who_waits_in_vain_is_answered_in_time(client: Client) -> None:
    await client.place_bet()
    began = monotonic()
    page = await client.get("/feed?after=1&wait=1")
    assert 0.9 < monotonic() - began < 5
    assert page.json() == {"events": [], "next": 1}


async def test_an_event_of_another_tenant_is_none_to_wait_for(client: Client) -> None:
    strangers = [client.of(tenant) for tenant in (EXTERNAL_TENANT, INTERNAL_TENANT)]
    waiting = asyncio.create_task(client.get("/feed?wait=30"))
    await until_followed(client, 1)
    for stranger in strangers:
        await stranger.deposit("u", 5)
    assert not waiting.done()
    await client.place_bet()
    for caller in (client, *strangers):
        page = (await caller.get("/feed")).json()
        assert {event["tenant_id"] for event in page["events"]} == {caller.tenant_id}
    assert [event["tenant_id"] for event in (await waiting).json()["events"]] == [client.tenant_id]


async def test_no_more_may_wait_than_the_setting_says(start_service: StartService) -> None:
    async with start_service(feed_followers=2) as client:
        waiting = [asyncio.create_task(client.get("/feed?wait=30")) for _ in range(2)]
        await until_followed(client, 2)
        for path in ("/feed?wait=1", "/feed/stream"):
            refused = await client.get(path)
            assert refused.status_code == 503
            assert refused.json()["error"] == "Service overloaded"
            assert int(refused.headers["Retry-After"]) > 0
        assert (await client.get("/feed")).status_code == 200  # it waits for nothing
        await client.place_bet()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert (await client.get("/feed?wait=1")).status_code == 200


async def test_who_goes_away_while_he_waits_makes_room(client: Client) -> None:
    async with httpx.AsyncClient(base_url=client.http.base_url) as leaving:
        request = leaving.get("/feed?wait=30", headers={"X-Tenant-Id": str(client.tenant_id)})
        waiting = asyncio.create_task(request)
        await until_followed(client, 1)
        waiting.cancel()
        await asyncio.wait([waiting])
    await until_followed(client, 0)


async def test_events_that_another_service_commits_end_a_wait(
    client: Client, start_service: StartService
) -> None:
    async with start_service() as other:
        waiting = asyncio.create_task(client.get("/feed?wait=30"))
        await until_followed(client, 1)
        placed = await other.place_bet()
        page = (await asyncio.wait_for(waiting, 5)).json()
    assert [event["aggregate_id"] for event in page["events"]] == [placed.json()["bet_id"]]


async def test_a_commit_that_nobody_told_of_is_found_all_the_same(
    client: Client, database: str
) -> None:
    caller = client.of(EXTERNAL_TENANT)
    waiting = asyncio.create_task(caller.get("/feed?wait=30"))
    await until_followed(client, 1)
    async with committing(database) as silent:
        await silent.submit(place())
    page = (await asyncio.wait_for(waiting, 5)).json()
    assert [event["position"] for event in page["events"]] == [1]


async def test_a_wait_outlasts_the_loss_of_every_connection(
    client: Client, connection: Connection
) -> None:
    await client.place_bet()
    waiting = asyncio.create_task(client.get("/feed?after=1&wait=30"))
    await until_followed(client, 1)
    ended = await connection.fetch(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'stakebook'"
    )
    assert len(ended) >= 3
    placed = await client.place_bet()
    assert placed.status_code == 201
    page = (await asyncio.wait_for(waiting, 10)).json()
    assert [event["aggregate_id"] for event in page["events"]] == [placed.json()["bet_id"]]


async def test_an_event_is_one_line_of_json_whatever_it_says(client: Client) -> None:
    bet = (await client.place_bet()).json()["bet_id"]
    reason = 'line\u2028 "quoted" \\n \u00e9'
    await client.post(f"/bets/{bet}/cancel", {"reason": reason})
    page = await client.get("/feed?after=1")
    assert json.loads(page.content)["events"][0]["event_data"]["reason"] == reason
