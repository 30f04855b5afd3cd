"""The turns of commands that wait: who is taken into a batch, in which order, and how many."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.callers import Waiting
from app.submission import Outcome
from app.turns import SHARED_SECONDS, Turns
from tests.app.submissions import place

LIMIT, SHARE = 100, 3
A, B, C = 1, 2, 3


def waiting(tenant: int, *, ago: float = 0) -> Waiting:
    """A command of the tenant that came so many seconds ago; nobody waits for its answer."""
    answer: asyncio.Future[Outcome] = asyncio.Future(loop=_LOOP)
    return Waiting(place(tenant), answer, monotonic() - ago)


_LOOP = asyncio.new_event_loop()


def turns_of(*tenants: int, ago: float = 0) -> Turns:
    """Commands that came in this order."""
    turns = Turns(limit=LIMIT, share=SHARE)
    for tenant in tenants:
        turns.put(waiting(tenant, ago=ago))
    return turns


def tenants(batch: Sequence[Waiting]) -> list[int]:
    return [each.submission.tenant_id for each in batch]


def test_commands_of_one_tenant_are_taken_in_the_order_in_which_they_came() -> None:
    turns = Turns(limit=LIMIT, share=SHARE)
    came = [waiting(A) for _ in range(10)]
    for each in came:
        turns.put(each)
    assert turns.take(4) + turns.take(100) == came
    assert len(turns) == turns.ready == 0


def test_tenants_have_turns_one_after_the_other_however_many_one_of_them_has() -> None:
    turns = turns_of(A, A, A, A, A, B, B, C)
    assert tenants(turns.take(4)) == [A, B, C, A]
    assert tenants(turns.take(2)) == [B, A]


def test_a_tenant_that_is_alone_fills_a_batch() -> None:
    assert tenants(turns_of(*[A] * 50).take(40)) == [A] * 40


def test_beside_others_a_tenant_has_its_share_and_rests_until_the_next_batch() -> None:
    turns = turns_of(*[A] * 10, B)
    assert sorted(tenants(turns.take(100))) == [A] * SHARE + [B]
    assert turns.take(100) == []
    assert (turns.ready, len(turns), turns.crowded) == (0, 10 - SHARE, True)
    turns.next_batch()
    assert (turns.ready, turns.crowded) == (10 - SHARE, False)
    assert tenants(turns.take(100)) == [A] * SHARE


def test_who_comes_while_another_rests_is_taken_into_the_same_batch() -> None:
    turns = turns_of(B, *[A] * 10)
    turns.take(100)
    turns.put(waiting(A))
    assert turns.ready == 0
    turns.put(waiting(B))
    assert turns.ready == 1
    assert tenants(turns.take(100)) == [B]


def test_a_tenant_that_had_filled_a_batch_alone_gets_no_more_of_it_once_another_comes() -> None:
    turns = turns_of(*[A] * 50)
    turns.take(40)
    turns.put(waiting(B))
    assert tenants(turns.take(60)) == [B]


def test_a_batch_is_no_longer_shared_when_others_have_not_come_for_a_while() -> None:
    turns = turns_of(*[A] * 10, B, ago=SHARED_SECONDS + 1)
    assert sorted(tenants(turns.take(100))) == [A] * 10 + [B]


def test_a_batch_is_not_shared_with_one_who_was_there_long_before() -> None:
    turns = turns_of(B, ago=SHARED_SECONDS + 1)
    for each in [waiting(A) for _ in range(10)]:
        turns.put(each)
    assert tenants(turns.take(100)) == [B] + [A] * 10


def test_those_who_rested_have_their_turns_behind_those_who_have_not_had_any() -> None:
    turns = turns_of(*[A] * 10, B, C)
    assert tenants(turns.take(SHARE + 2)) == [A, B, C, A, A]
    turns.put(waiting(B))
    turns.next_batch()
    assert tenants(turns.take(2)) == [A, B]


def test_what_is_put_back_comes_before_the_rest_of_its_tenant_and_before_other_tenants() -> None:
    turns = turns_of(A, A, A, B, B, C)
    taken = turns.take(4)
    turns.put_back(taken)
    assert (len(turns), turns.ready) == (6, 6)
    assert turns.take(4) == taken


def test_what_is_put_back_to_be_last_lets_the_other_tenants_go_first() -> None:
    turns = turns_of(A, A, B, C)
    (first,) = turns.take(1)
    turns.put_back([first], last=True)
    assert tenants(turns.take(2)) == [B, C]
    assert turns.take(1) == [first]


def test_turns_that_were_taken_in_vain_are_given_back() -> None:
    turns = turns_of(B, *[A] * 10)
    late = turns.take(100)
    assert turns.take(100) == []
    turns.give_back(late)
    assert turns.ready == 10 - SHARE
    assert tenants(turns.take(100)) == [A] * SHARE


def test_what_is_being_read_for_the_next_batch_counts_towards_its_shares() -> None:
    turns = turns_of(B, *[A] * 10)
    loading = turns.take(3)
    assert tenants(loading) == [B, A, A]
    turns.next_batch(loading)
    assert tenants(turns.take(100)) == [A] * (SHARE - 2)


def test_commands_of_some_tenants_alone_can_be_taken_and_the_others_keep_their_turns() -> None:
    turns = turns_of(A, B, B, C, C, A)
    assert tenants(turns.take(4, {B, C})) == [B, C, B, C]
    assert (len(turns), turns.ready) == (2, 2)
    assert tenants(turns.take(1)) == [A]


def test_all_that_wait_can_be_listed_those_who_rest_included() -> None:
    turns = turns_of(B, *[A] * 10, C)
    taken = turns.take(100)
    turns.put(waiting(C))
    assert tenants(taken).count(A) == SHARE
    assert sorted(tenants(list(turns))) == [A] * (10 - SHARE) + [C]


@pytest.mark.parametrize(
    ("waiting_already", "tenant", "backlog", "admitted"),
    [
        ([], A, LIMIT - 1, True),
        ([], A, LIMIT, False),
        ([A] * LIMIT, A, LIMIT, False),
        ([A] * LIMIT, B, LIMIT, True),
        ([A] * LIMIT + [B], A, LIMIT, False),
        ([A] * LIMIT + [B] * 49, B, LIMIT + 49, True),
        ([A] * LIMIT + [B] * 50, B, LIMIT + 50, False),
        ([A] * LIMIT + [B] * 33, C, LIMIT + 33, True),
        ([A] * LIMIT + [B] * 50, C, 2 * LIMIT, False),
    ],
)
def test_beyond_the_limit_only_those_who_hold_less_than_their_part_are_let_in(
    waiting_already: list[int], tenant: int, backlog: int, *, admitted: bool
) -> None:
    assert turns_of(*waiting_already).admits(tenant, backlog) is admitted


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 4)),
        st.tuples(st.just("take"), st.integers(1, 12)),
        st.tuples(st.just("among"), st.integers(1, 4)),
        st.tuples(st.just("put back"), st.integers(1, 4)),
        st.tuples(st.just("next batch"), st.just(0)),
    ),
    max_size=80,
)


@given(STEPS)
def test_nothing_is_lost_or_taken_twice_or_out_of_order_and_no_share_is_exceeded(
    steps: list[tuple[str, int]],
) -> None:
    turns = turns_of(A, B)  # a batch is shared from the beginning
    came = list(turns)
    batch: list[Waiting] = []
    done: list[Waiting] = []
    for step, number in steps:
        match step:
            case "put":
                came.append(waiting(number))
                turns.put(came[-1])
            case "take":
                batch += turns.take(number)
            case "among":
                batch += turns.take(12, {number})
            case "put back":
                kept = max(0, len(batch) - number)
                turns.put_back(batch[kept:])
                del batch[kept:]
            case _:
                turns.next_batch()
                done += batch
                batch.clear()
        assert all(tenants(batch).count(tenant) <= SHARE for tenant in tenants(batch))
        assert turns.ready <= len(turns) == len(list(turns))
        assert len(done) + len(batch) + len(turns) == len(came)
    turns.next_batch()
    while left := turns.take(SHARE):
        batch += left
        turns.next_batch()
    assert _by_tenant(done + batch) == _by_tenant(came)


def _by_tenant(batch: Sequence[Waiting]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for each in batch:
        found[each.submission.tenant_id].append(each.submission.idempotency_key)
    return found
