"""Probes and metrics, which need no tenant."""

import re

import pytest

from tests.conftest import Client, StartService

METRICS = {
    "stakebook_request_seconds_bucket",
    "stakebook_request_seconds_count",
    "stakebook_commands_total",
    "stakebook_batch_size_bucket",
    "stakebook_queue_depth",
    "stakebook_queue_seconds_bucket",
    "stakebook_commit_seconds_bucket",
}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_probes_answer_ok(client: Client, path: str) -> None:
    answer = await client.http.get(path)
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


async def test_a_service_on_a_database_without_the_schema_is_alive_but_not_ready(
    start_service: StartService, empty_database: str
) -> None:
    async with start_service(url=empty_database) as client:
        assert (await client.http.get("/livez")).status_code == 200
        answer = await client.http.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["error"] == "Service not ready"
        assert "alembic upgrade head" in answer.json()["detail"]


async def test_a_service_without_a_database_is_alive_but_not_ready(
    start_service: StartService,
) -> None:
    async with start_service(url="postgresql://nobody@127.0.0.1:1/nothing") as client:
        assert (await client.http.get("/livez")).status_code == 200
        answer = await client.http.get("/readyz")
        assert answer.status_code == 503
        assert "database" in answer.json()["detail"]
        assert (await client.get("/bets/b")).status_code == 503


async def test_metrics_count_what_happened(client: Client) -> None:
    for _ in range(2):
        await client.place_bet("once")
    await client.post("/bets/nobody/confirm")
    await client.get("/bets/nobody")
    scraped = await client.http.get("/metrics")
    assert scraped.status_code == 200
    assert scraped.headers["Content-Type"].startswith("text/plain")
    names = set(re.findall(r"^(\w+)", scraped.text, re.MULTILINE))
    assert names >= METRICS
    assert _value(scraped.text, "stakebook_commands_total", "placeBet", "applied") == 1
    assert _value(scraped.text, "stakebook_commands_total", "placeBet", "duplicate") == 1
    assert _value(scraped.text, "stakebook_commands_total", "confirmBet", "refused") == 1
    assert _value(scraped.text, "stakebook_request_seconds_count", "GET", "404") == 1
    assert "nobody" not in scraped.text, "routes are counted by template"


async def test_requests_without_a_route_and_invented_methods_are_counted_together(
    client: Client,
) -> None:
    for path in ("/nothing", "/nowhere/at/all"):
        assert (await client.http.get(path)).status_code == 404
    for method in ("PUZZLE", "RIDDLE"):
        assert (await client.http.request(method, "/nothing")).status_code == 404
    scraped = await client.http.get("/metrics")
    assert _value(scraped.text, "stakebook_request_seconds_count", "none", "GET") == 2
    assert _value(scraped.text, "stakebook_request_seconds_count", "none", "other") == 2
    assert "PUZZLE" not in scraped.text


def _value(text: str, name: str, *labels: str) -> float:
    lines = [line for line in text.splitlines() if line.startswith(f"{name}{{")]
    (line,) = [line for line in lines if all(f'"{label}"' in line for label in labels)]
    return float(line.rpartition(" ")[2])
