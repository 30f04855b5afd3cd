"""The OpenAPI document and its page."""

import re
from typing import Any, Final, cast

import httpx
import pytest

from tests.app.api.documented import PROBLEM, mismatch, resolved
from tests.app.api.operations import (
    BODIES,
    BY_ID,
    COMMANDS,
    OF_TENANTS,
    OPERATIONS,
    Operation,
    document,
)
from tests.conftest import Client

ROUTES: Final = {
    "POST /bets",
    "POST /bets/{bet_id}/confirm",
    "POST /bets/{bet_id}/settle",
    "POST /bets/{bet_id}/cancel",
    "GET /bets/{bet_id}",
    "GET /users/{user_id}/bets",
    "POST /payments",
    "POST /payments/{payment_id}/complete",
    "POST /payments/{payment_id}/fail",
    "GET /payments/{payment_id}",
    "GET /users/{user_id}/payments",
    "GET /users/{user_id}/balance",
    "GET /bets/{bet_id}/events",
    "GET /payments/{payment_id}/events",
    "GET /users/{user_id}/balance/events",
    "GET /events",
    "GET /feed",
    "GET /feed/stream",
    "GET /tenants/summary",
    "POST /tenants",
    "GET /tenants",
    "GET /tenants/{tenant_id}",
    "PATCH /tenants/{tenant_id}",
    "GET /users/{user_id}/activity",
    "GET /users/top",
    "GET /problems",
    "GET /problems/{slug}",
    "GET /schemas",
    "GET /schemas/{name}",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
}
WITHOUT_TENANT: Final = {
    *("isAlive", "isReady", "getMetrics"),
    *("listProblems", "getProblem", "listSchemas", "getSchema"),
    *("createTenant", "listTenants", "getTenant", "changeTenant"),
}
NEVER_REFUSED: Final = {"isAlive", "getMetrics", "listProblems", "listSchemas"}
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.id)


async def test_the_document_is_served_without_a_tenant(client: Client) -> None:
    served = await client.http.get("/schema/openapi.json")
    assert served.status_code == 200
    assert served.json() == document()
    assert re.fullmatch(r"3\.1\.\d", served.json()["openapi"])
    assert served.json()["info"]["title"] == "Stakebook"


def test_every_route_of_the_contract_is_described() -> None:
    assert {f"{each.method} {each.template}" for each in OPERATIONS} >= ROUTES


def test_operations_have_ids_of_their_own() -> None:
    ids = [each.id for each in OPERATIONS]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in ids)
    assert {each.id for each in OPERATIONS} - {each.id for each in OF_TENANTS} == WITHOUT_TENANT


@each_operation
def test_an_operation_says_what_it_does(operation: Operation) -> None:
    assert operation.described["summary"]
    assert operation.described["description"]
    assert operation.described["tags"]


@pytest.mark.parametrize("operation", OF_TENANTS, ids=lambda each: each.id)
def test_the_tenant_is_a_required_header(operation: Operation) -> None:
    header = operation.parameters("header")["X-Tenant-Id"]
    assert header["required"] is True
    assert header["schema"]["type"] == "integer"


@pytest.mark.parametrize("operation", COMMANDS, ids=lambda each: each.id)
def test_the_key_is_a_required_header_of_a_command(operation: Operation) -> None:
    header = operation.parameters("header")["Idempotency-Key"]
    assert header["required"] is True
    assert ("If-Match" in operation.parameters("header")) == ("{" in operation.template)


@each_operation
def test_a_path_parameter_is_described(operation: Operation) -> None:
    in_template = set(re.findall(r"\{(\w+)\}", operation.template))
    described = operation.parameters("path")
    assert described.keys() == in_template
    for parameter in described.values():
        schema = parameter["schema"]
        assert schema["minimum"] == 1 if schema["type"] == "integer" else schema["maxLength"] == 128


@each_operation
def test_successes_have_an_example_that_fits_their_schema(operation: Operation) -> None:
    successes = [status for status in operation.responses if status.startswith("2")]
    assert successes
    for status in successes:
        for content in operation.responses[status]["content"].values():
            assert mismatch(content["example"], content["schema"]) is None


@each_operation
def test_a_body_has_an_example_that_fits_its_schema(operation: Operation) -> None:
    body = operation.described.get("requestBody")
    assert (body is not None) == (operation.id in BODIES)
    if body is not None:
        content = body["content"]["application/json"]
        assert mismatch(content["example"], content["schema"]) is None
        assert mismatch(BODIES[operation.id], content["schema"]) is None
        assert body["required"] is (operation.id not in {"cancelBet", "failPayment"})


@each_operation
def test_whatever_is_no_success_is_a_problem_with_an_example(operation: Operation) -> None:
    refusals = {s: r for s, r in operation.responses.items() if int(s) >= 400}
    assert bool(refusals) is (operation.id not in NEVER_REFUSED)
    for status, response in refusals.items():
        assert response["content"].keys() == {PROBLEM}
        content = response["content"][PROBLEM]
        assert resolved(content["schema"])["title"] == "ProblemDetails"
        assert content["examples"]
        for example in content["examples"].values():
            assert mismatch(example["value"], content["schema"]) is None
            assert example["value"]["status"] == int(status)


@each_operation
def test_what_asks_for_a_token_says_what_becomes_of_who_has_none(operation: Operation) -> None:
    if operation.scope is None:
        assert not {"401", "403"} & operation.responses.keys()
    else:
        assert operation.responses["401"]["headers"].keys() == {"WWW-Authenticate"}
        kinds = operation.responses["403"]["content"][PROBLEM]["examples"]
        assert "scope-missing" in kinds
        assert ("tenant-forbidden" in kinds) is (operation in OF_TENANTS)


@each_operation
def test_every_answer_about_a_tenants_data_may_tell_of_its_rate(operation: Operation) -> None:
    counted = operation in OF_TENANTS
    assert ("429" in operation.responses) is counted
    for status, response in operation.responses.items():
        told = {"RateLimit", "RateLimit-Policy"} & response.get("headers", {}).keys()
        assert len(told) == (2 if counted and status != "401" else 0)
        if counted:
            assert ("Retry-After" in response["headers"]) is (status in {"429", "503"})


def test_references_resolve() -> None:
    references = list(_references(document()))
    assert references
    for reference in references:
        assert reference.startswith(("#/components/schemas/", "#/components/headers/"))
        assert resolved({"$ref": reference})


def test_amounts_are_described_as_numbers() -> None:
    schemas = document()["components"]["schemas"]
    for schema, field in (("Bet", "stake"), ("Payment", "amount"), ("Balance", "balance")):
        assert schemas[schema]["properties"][field]["type"] == "number"


def test_amounts_are_taken_as_numbers_or_text() -> None:
    schemas = document()["components"]["schemas"]
    for schema, field in (("PlaceBet", "stake"), ("PlaceBet", "odds"), ("MakePayment", "amount")):
        forms = schemas[schema]["properties"][field]["anyOf"]
        assert [form["type"] for form in forms] == ["number", "string"]


@pytest.mark.parametrize("operation", BODIES)
def test_a_body_is_described_as_closed(operation: str) -> None:
    content = BY_ID[operation].described["requestBody"]["content"]["application/json"]
    schema = content["schema"]
    closed = resolved(schema["oneOf"][0] if "oneOf" in schema else schema)
    assert closed["additionalProperties"] is False


@each_operation
def test_no_query_parameter_is_described_as_null(operation: Operation) -> None:
    for parameter in operation.parameters("query").values():
        assert "null" not in str(parameter["schema"])
        assert None not in parameter["schema"].get("enum", [])


@each_operation
def test_bounds_of_an_integer_are_exact(operation: Operation) -> None:
    for place in ("path", "query", "header"):
        for parameter in operation.parameters(place).values():
            if parameter["schema"].get("type") == "integer":
                assert parameter["schema"]["minimum"] in {0, 1}
                assert parameter["schema"].get("maximum", 0) <= 2**63 - 1


def test_links_lead_to_operations_by_parameters_that_they_have() -> None:
    links = [
        link
        for operation in OPERATIONS
        for response in operation.responses.values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) == 9
    for link in links:
        target = BY_ID[link["operationId"]]
        places = [name.split(".") for name in link["parameters"]]
        assert all(name in target.parameters(place) for place, name in places)


async def test_options_tells_all_methods_of_a_path(client: Client) -> None:
    for template in {each.template for each in OPERATIONS}:
        answer = await client.http.options(template.replace("{", "").replace("}", ""))
        described = {each.method for each in OPERATIONS if each.template == template}
        assert set(answer.headers["Allow"].split(", ")) == described | {"OPTIONS"}


@pytest.mark.parametrize("path", ["/schema", "/schema/", "/schema/swagger"])
async def test_the_page_loads_nothing_from_elsewhere(client: Client, path: str) -> None:
    page = await client.http.get(path)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assets = re.findall(r"""(?:src|href)=["']([^"']+)["']""", page.text)
    local = [asset for asset in assets if not asset.startswith("data:")]
    assert len(local) >= 2
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    for asset in local:
        assert asset.startswith("/schema/")
        served = await client.http.get(asset)
        assert served.status_code == 200
        assert _is_type_of(asset, served)


def _is_type_of(asset: str, served: httpx.Response) -> bool:
    kind = "javascript" if asset.endswith(".js") else "css"
    return kind in served.headers["Content-Type"] and len(served.content) > 1000


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        members = cast("dict[str, Any]", node)
        own = [members["$ref"]] if isinstance(members.get("$ref"), str) else []
        return own + [found for value in members.values() for found in _references(value)]
    if isinstance(node, list):
        items = cast("list[object]", node)
        return [found for value in items for found in _references(value)]
    return []
