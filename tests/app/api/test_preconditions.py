"""ETag, If-Match and If-None-Match on bets and payments."""

import pytest

from tests.app.api.book import paid, placed
from tests.conftest import Client


async def _resources(client: Client) -> dict[str, str]:
    """A path of each kind of resource, with the command that takes it to version 2."""
    return {
        f"/bets/{await placed(client)}": "confirm",
        f"/payments/{await paid(client)}": "complete",
    }


async def test_the_etag_counts_the_versions(client: Client) -> None:
    for path, action in (await _resources(client)).items():
        first = await client.get(path)
        assert first.headers["ETag"] == '"1"'
        done = await client.post(f"{path}/{action}")
        assert done.headers["ETag"] == '"2"'
        assert done.headers["Location"] == path
        assert (await client.get(path)).headers["ETag"] == '"2"'


IF_MATCH: list[tuple[str, bool]] = [
    ('"1"', True),
    ("*", True),
    ('"7", "1"', True),
    ('"7","1","9"', True),
    ('W/"1", "1"', True),
    ('"7","8"', False),
    ('"2"', False),
    ('W/"1"', False),
    ('"01"', False),
    ('"1.0"', False),
    ('"one"', False),
    ('"' + "1" * 5000 + '"', False),
    ('""', False),
    ("1", False),
    ('"²"', False),
]


async def test_if_match_lets_a_command_pass_at_the_expected_version_only(
    client: Client, subtests: pytest.Subtests
) -> None:
    for tags, met in IF_MATCH:
        for path, action in (await _resources(client)).items():
            with subtests.test(f"{action} {tags[:12]}"):
                headers = [
                    (b"X-Tenant-Id", b"10001"),
                    (b"Idempotency-Key", path.encode()),
                    (b"If-Match", tags.encode("latin-1")),
                ]
                answer = await client.http.post(f"{path}/{action}", headers=headers)
                assert answer.status_code == (200 if met else 412)
                assert met or answer.json()["error"] == "Changed in the meantime"
                assert (await client.get(path)).headers["ETag"] == ('"2"' if met else '"1"')


async def test_a_replay_is_answered_before_if_match_is_looked_at(client: Client) -> None:
    for path, action in (await _resources(client)).items():
        key = f"{action} once"
        first = await client.post(f"{path}/{action}", None, key, If_Match='"1"')
        assert first.status_code == 200
        replay = await client.post(f"{path}/{action}", None, key, If_Match='"1"')
        assert replay.status_code == 200
        assert replay.json()["duplicate"] is True


async def test_a_precondition_that_failed_does_not_stick_to_the_key(client: Client) -> None:
    path = f"/bets/{await placed(client)}/confirm"
    assert (await client.post(path, None, "once", If_Match='"9"')).status_code == 412
    assert (await client.post(path, None, "once", If_Match='"1"')).status_code == 200


async def test_if_match_on_what_does_not_exist_is_not_found(client: Client) -> None:
    for path in ("/bets/nobody/confirm", "/payments/nobody/complete"):
        assert (await client.post(path, None, If_Match='"1"')).status_code == 404


IF_NONE_MATCH: list[tuple[str, bool]] = [
    ('"1"', True),
    ('W/"1"', True),
    ("*", True),
    ('"9", "1"', True),
    ('"2"', False),
    ("1", False),
]


async def test_if_none_match_is_answered_304_with_the_etag_and_no_body(
    client: Client, subtests: pytest.Subtests
) -> None:
    for path in await _resources(client):
        for tags, unchanged in IF_NONE_MATCH:
            with subtests.test(f"{path[:9]} {tags}"):
                answer = await client.get(path, headers={"If-None-Match": tags})
                assert answer.status_code == (304 if unchanged else 200)
                assert answer.headers["ETag"] == '"1"'
                assert bool(answer.content) is not unchanged
                assert ("Content-Type" in answer.headers) is not unchanged
