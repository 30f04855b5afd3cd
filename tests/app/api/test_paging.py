"""Lists are walked page by page, with cursors that are good for one list only."""

import pytest

from tests.app.api.book import paid, placed
from tests.conftest import EXTERNAL_TENANT, Client, StartService

LISTS = ("bets", "payments")


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 3, 7, 8])
async def test_walking_the_pages_yields_every_row_once_in_order(
    client: Client, name: str, limit: int
) -> None:
    make = placed if name == "bets" else paid
    made = [await make(client) for _ in range(7)]
    found: list[str] = []
    cursor = ""
    while True:
        page = (await client.get(f"/users/user-1/{name}?limit={limit}{cursor}")).json()
        assert page["total"] == 7
        assert len(page[name]) <= limit
        found += [row[f"{name[:-1]}_id"] for row in page[name]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == made[::-1]


async def test_a_walk_with_a_filter_sees_the_rows_of_that_status_only(client: Client) -> None:
    bets = [await placed(client) for _ in range(6)]
    for bet_id in bets[::2]:
        await client.post(f"/bets/{bet_id}/confirm")
    first = (await client.get("/users/user-1/bets?status=confirmed&limit=2")).json()
    rest = await client.get(
        f"/users/user-1/bets?status=confirmed&limit=2&cursor={first['next_cursor']}"
    )
    found = first["bets"] + rest.json()["bets"]
    assert [bet["bet_id"] for bet in found] == bets[::2][::-1]
    assert first["total"] == rest.json()["total"] == 3
    assert rest.json()["next_cursor"] is None


async def test_a_bet_that_moves_during_the_walk_is_not_seen_twice(client: Client) -> None:
    bets = [await placed(client) for _ in range(4)]
    first = (await client.get("/users/user-1/bets?limit=2")).json()
    await client.post(f"/bets/{bets[3]}/confirm")
    rest = (await client.get(f"/users/user-1/bets?limit=2&cursor={first['next_cursor']}")).json()
    assert [bet["bet_id"] for bet in first["bets"] + rest["bets"]] == bets[::-1]


async def test_a_page_holds_fifty_rows_by_default_and_two_hundred_at_most(client: Client) -> None:
    for _ in range(51):
        await placed(client)
    page = (await client.get("/users/user-1/bets")).json()
    assert len(page["bets"]) == 50
    assert page["next_cursor"]
    assert page["total"] == 51
    assert len((await client.get("/users/user-1/bets?limit=200")).json()["bets"]) == 51
    assert (await client.get("/users/user-1/bets?limit=201")).status_code == 400


async def test_a_limit_out_of_bounds_is_refused_by_name(
    client: Client, subtests: pytest.Subtests
) -> None:
    for path in ("/users/u/bets", "/users/u/payments", "/users/top"):
        for limit in (
            "0",
            "-1",
            "201",
            "abc",
            "",
            "1.5",
            "1_0",
            "%201",
            "\N{ARABIC-INDIC DIGIT ONE}",
        ):
            with subtests.test(f"{path}?limit={limit}"):
                refused = await client.get(f"{path}?limit={limit}")
                assert refused.status_code == 400
                assert [error["pointer"] for error in refused.json()["errors"]] == ["limit"]


async def test_a_cursor_is_good_for_its_own_list_only(
    client: Client, subtests: pytest.Subtests
) -> None:
    external = client.of(EXTERNAL_TENANT)
    for caller in (client, external):
        for user_id in ("user-1", "other"):
            for _ in range(2):
                await placed(caller, user_id=user_id)
                await paid(caller, user_id=user_id)
    first = (await client.get("/users/user-1/bets?limit=1")).json()
    cursor = first["next_cursor"]
    strange = [
        ("another tenant", external, "/users/user-1/bets", cursor),
        ("another user", client, "/users/other/bets", cursor),
        ("another filter", client, "/users/user-1/bets?status=placed", cursor),
        ("another route", client, "/users/user-1/payments", cursor),
        ("first letter changed", client, "/users/user-1/bets", _changed(cursor, 0)),
        ("signature changed", client, "/users/user-1/bets", _changed(cursor, -5)),
        ("cut short", client, "/users/user-1/bets", cursor[:-1]),
        ("unsigned", client, "/users/user-1/bets", cursor.partition(".")[0]),
        ("a bare position", client, "/users/user-1/bets", "3"),
        ("empty", client, "/users/user-1/bets", ""),
    ]
    for name, caller, path, value in strange:
        with subtests.test(name):
            refused = await caller.get(path, params={"cursor": value} | _query(path))
            assert refused.status_code == 400
            assert refused.json()["error"] == "Invalid cursor"
    assert (await client.get(f"/users/user-1/bets?cursor={cursor}")).status_code == 200


async def test_a_cursor_of_one_process_fits_another_with_the_same_secret(
    client: Client, start_service: StartService
) -> None:
    made = [await placed(client) for _ in range(3)]
    cursor = (await client.get("/users/user-1/bets?limit=1")).json()["next_cursor"]
    async with start_service() as other:
        rest = (await other.get(f"/users/user-1/bets?cursor={cursor}")).json()
    assert [bet["bet_id"] for bet in rest["bets"]] == made[1::-1]


async def test_a_list_of_nobody_is_empty(client: Client) -> None:
    for name in LISTS:
        page = (await client.get(f"/users/nobody/{name}")).json()
        assert page == {name: [], "total": 0, "next_cursor": None}


def _changed(cursor: str, at: int) -> str:
    letters = list(cursor)
    letters[at] = "A" if letters[at] != "A" else "B"
    return "".join(letters)


def _query(path: str) -> dict[str, str]:
    return {"status": "placed"} if "status=placed" in path else {}
