"""The Avro schemas over HTTP."""

from hashlib import sha256

import pytest
from fastavro.schema import parse_schema

from app.avro_schemas import FOLDER
from tests.conftest import Client

NAMES = ("bet_event", "payment_event", "balance_event")


async def test_the_schemas_are_listed_with_what_their_urls_answer(client: Client) -> None:
    listed = await client.http.get("/schemas")
    assert listed.status_code == 200
    assert [each["name"] for each in listed.json()] == list(NAMES)
    for each in listed.json():
        served = await client.http.get(each["url"])
        assert sha256(served.content).hexdigest() == each["fingerprint"]
        assert served.headers["ETag"] == f'"{each["fingerprint"]}"'


@pytest.mark.parametrize("name", NAMES)
async def test_a_schema_is_served_as_its_file_holds_it(client: Client, name: str) -> None:
    served = await client.http.get(f"/schemas/{name}")
    assert served.status_code == 200
    assert served.headers["Content-Type"] == "application/json"
    assert served.content == (FOLDER / f"{name}.avsc").read_bytes()
    assert parse_schema(served.json())


async def test_a_schema_that_is_known_already_is_not_sent_again(client: Client) -> None:
    tag = (await client.http.get("/schemas/bet_event")).headers["ETag"]
    again = await client.http.get("/schemas/bet_event", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = await client.http.get("/schemas/payment_event", headers={"If-None-Match": tag})
    assert other.status_code == 200


@pytest.mark.parametrize("name", ["bet", "bet_event.avsc", "released", ".."])
async def test_a_schema_that_does_not_exist_is_a_problem(client: Client, name: str) -> None:
    answer = await client.http.get(f"/schemas/{name}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "Not found"
