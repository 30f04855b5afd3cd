"""`stakebook tenants create`: a tenant that can be used at once."""

import pytest

from tests.app.processes import run
from tests.conftest import DEFAULT_TENANT, StartService


async def test_a_tenant_that_was_created_takes_bets_by_its_wallet(
    database: str, start_service: StartService
) -> None:
    options = ("--name", "Second", "--slug", "second", "--wallet", "internal")
    created = await run("tenants", "create", "20002", *options, DATABASE_URL=database)
    assert created.returncode == 0, created.stderr
    assert "20002" in created.stdout
    async with start_service() as client:
        second = client.of(20002)
        assert (await second.place_bet()).json()["error"] == "Insufficient funds"
        await second.deposit("user-1", 100)
        assert (await second.place_bet()).status_code == 201


@pytest.mark.parametrize(
    ("tenant_id", "slug", "field"),
    [(str(DEFAULT_TENANT), "another", "id 10001"), ("20002", "default", "slug 'default'")],
)
async def test_a_tenant_that_is_there_is_not_created_again(
    database: str, tenant_id: str, slug: str, field: str
) -> None:
    refused = await run(
        "tenants", "create", tenant_id, "--name", "X", "--slug", slug, DATABASE_URL=database
    )
    assert refused.returncode == 1
    assert refused.stderr == f"stakebook: There is a tenant with the {field} already.\n"


@pytest.mark.parametrize("tenant_id", ["0", "-1", "9223372036854775808", "1e4"])
async def test_a_tenant_id_that_no_header_can_name_is_refused(
    database: str, tenant_id: str
) -> None:
    refused = await run(
        "tenants", "create", "--name", "X", "--slug", "x", "--", tenant_id, DATABASE_URL=database
    )
    assert refused.returncode == 2
    assert tenant_id in refused.stderr
