"""`stakebook tenants`: what is created can be used at once, and suspended while it is."""

import pytest

from tests.app.ledger import Connection
from tests.app.processes import run
from tests.conftest import DEFAULT_TENANT, Client, StartService


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


async def test_a_tenant_that_is_there_just_like_that_is_no_fault(database: str) -> None:
    for _ in range(2):
        options = ("--name", "Second", "--slug", "second", "--plan", "gold")
        created = await run("tenants", "create", "20002", *options, DATABASE_URL=database)
        assert (created.returncode, created.stdout) == (0, "Tenant 20002 is there.\n")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--slug", "Second", "must be lower case letters, digits and dashes"),
        ("--slug", "x" * 64, "63"),
        ("--name", "", "1"),
        ("--name", "a\nb", "must have no control character"),
        ("--plan", "x" * 33, "32"),
        ("--wallet", "none", "'external', 'internal'"),
    ],
)
async def test_a_value_that_no_tenant_can_have_is_refused_by_the_name_of_its_option(
    database: str, connection: Connection, option: str, value: str, said: str
) -> None:
    options = {"--name": "Second", "--slug": "second", option: value}
    given = [part for pair in options.items() for part in pair]
    refused = await run("tenants", "create", "20002", *given, DATABASE_URL=database)
    assert refused.returncode == 2
    assert option in refused.stderr
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert await connection.fetchval("SELECT count(*) FROM tenants WHERE id = 20002") == 0


async def test_every_tenant_is_listed_in_the_order_of_the_ids(
    database: str, connection: Connection
) -> None:
    await connection.execute(
        "INSERT INTO tenants (id, name, slug)"
        " SELECT n, 'The ' || n || 'th', 'tenant-' || n FROM generate_series(1, 450) AS n"
    )
    await run("tenants", "suspend", "7", DATABASE_URL=database)
    listed = await run("tenants", "list", DATABASE_URL=database)
    assert (listed.returncode, listed.stderr) == (0, "")
    lines = listed.stdout.splitlines()
    assert lines[6] == "7\tsuspended\texternal\tbasic\ttenant-7\tThe 7th"
    assert lines[450] == "10001\tactive\texternal\tbasic\tdefault\tDefault Tenant"
    assert lines[452] == "10003\tactive\tinternal\tbasic\tinternal\tinternal"
    ids = [int(line.split("\t")[0]) for line in lines]
    assert ids == [*range(1, 451), 10001, 10002, 10003]


async def test_a_running_service_heeds_suspension_and_activation_at_once(
    client: Client, database: str
) -> None:
    bet = (await client.place_bet()).json()
    suspended = await run("tenants", "suspend", str(DEFAULT_TENANT), DATABASE_URL=database)
    assert (suspended.returncode, suspended.stdout) == (0, "Tenant 10001 is suspended.\n")
    assert (await client.place_bet("once")).status_code == 403
    assert (await client.get(f"/bets/{bet['bet_id']}")).json() == bet
    active = await run("tenants", "activate", str(DEFAULT_TENANT), DATABASE_URL=database)
    assert (active.returncode, active.stdout) == (0, "Tenant 10001 is active.\n")
    assert (await client.place_bet("once")).status_code == 201


@pytest.mark.parametrize("action", ["suspend", "activate"])
async def test_a_tenant_that_is_not_there_can_be_neither_suspended_nor_activated(
    database: str, action: str
) -> None:
    refused = await run("tenants", action, "20002", DATABASE_URL=database)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "stakebook: There is no tenant 20002.\n"
