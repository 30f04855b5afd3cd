"""Late doubles: requests that come again when their keys have been pruned."""

from collections.abc import AsyncGenerator

import pytest

from app.committer import Committer
from app.submission import Submission
from tests.app.answered import NEW, REPEATED, brief, submit
from tests.app.ledger import Connection, assert_sound
from tests.app.submissions import pay, place
from tests.app.units import committing
from tests.conftest import EXTERNAL_TENANT, INTERNAL_TENANT


@pytest.fixture
async def committer(database: str) -> AsyncGenerator[Committer, None]:
    async with committing(database) as made:
        yield made


@pytest.fixture
async def other(database: str) -> AsyncGenerator[Committer, None]:
    async with committing(database) as made:
        yield made


async def test_a_pruned_key_in_two_operations_at_once_is_a_duplicate_and_keeps_nobody_waiting(
    committer: Committer, other: Committer, connection: Connection
) -> None:
    await other.submit(place(key="k"))
    await connection.execute("DELETE FROM idempotency_keys")
    found = await submit(committer, [place(key="k"), pay(key="k"), place(user_id="user-2")])
    assert [brief(outcome) for outcome in found] == [REPEATED, "key-reused", NEW]
    assert len(await assert_sound(connection, EXTERNAL_TENANT)) == 2


def doubles() -> list[Submission]:
    """A bet and a withdrawal that take all that a user has, 100."""
    return [
        place(INTERNAL_TENANT, stake="60", key="bet"),
        pay(INTERNAL_TENANT, amount="40", kind="withdrawal", key="payment"),
    ]


async def test_a_late_double_that_would_be_refused_by_now_is_a_duplicate(
    committer: Committer, other: Committer, connection: Connection
) -> None:
    await other.submit(pay(INTERNAL_TENANT))
    assert [brief(outcome) for outcome in await submit(other, doubles())] == [NEW, NEW]
    await connection.execute("DELETE FROM idempotency_keys")
    await committer.submit(pay(INTERNAL_TENANT, "user-2"))  # it knows the tenant from now on
    refused = place(INTERNAL_TENANT, stake="1", key="refused")
    found = await submit(committer, [*doubles(), refused])
    assert [brief(outcome) for outcome in found] == [REPEATED, REPEATED, "insufficient-funds"]
    await assert_sound(connection, INTERNAL_TENANT)


async def test_a_key_that_made_a_payment_is_no_sign_of_a_bet(
    committer: Committer, other: Committer, connection: Connection
) -> None:
    await other.submit(pay(INTERNAL_TENANT, "user-2", key="k"))
    await connection.execute("DELETE FROM idempotency_keys")
    await committer.submit(pay(INTERNAL_TENANT, "user-2"))
    found = await submit(committer, [place(INTERNAL_TENANT, key="k")])
    assert [brief(outcome) for outcome in found] == ["insufficient-funds"]
