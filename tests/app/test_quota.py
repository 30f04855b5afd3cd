"""A quota: how many requests it grants at once and over time, and of how many tenants."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.quota import SECOND, Allowance, Quota

NOW = 123_456_789_012_345_678


def granted(quota: Quota, tenant_id: int, number: int, now: int = NOW) -> list[bool]:
    return [quota.spend(tenant_id, now).granted for _ in range(number)]


@pytest.mark.parametrize(
    ("per_second", "burst_seconds", "size", "window_seconds"),
    [
        (100, 10, 1000, 10),
        (0.5, 10, 5, 10),
        (0.29, 100, 29, 100),
        (0.001, 3600, 3, 3000),
        (0.001, 1, 1, 1000),
        (3, 1, 3, 1),
        (1_000_000, 3600, 3_600_000_000, 3600),
    ],
)
def test_its_size_is_what_can_be_saved_up_and_at_least_one(
    per_second: float, burst_seconds: int, size: int, window_seconds: int
) -> None:
    quota = Quota("reads", per_second, burst_seconds)
    assert (quota.size, quota.window_seconds) == (size, window_seconds)


@pytest.mark.parametrize("per_second", [1, 3, 7.3, 0.1])
def test_exactly_its_size_is_granted_at_once(per_second: float) -> None:
    quota = Quota("reads", per_second, 100)
    assert granted(quota, 1, quota.size + 2) == [True] * quota.size + [False] * 2


def test_an_allowance_says_what_is_left_and_when_there_is_one_more() -> None:
    quota = Quota("reads", 0.1, 30)
    found = [quota.spend(1, NOW + second * SECOND) for second in (0, 1, 2, 3, 10)]
    assert found == [
        Allowance(granted=True, remaining=2, wait_seconds=10),
        Allowance(granted=True, remaining=1, wait_seconds=9),
        Allowance(granted=True, remaining=0, wait_seconds=8),
        Allowance(granted=False, remaining=0, wait_seconds=7),
        Allowance(granted=True, remaining=0, wait_seconds=10),
    ]


def test_who_waits_as_long_as_he_is_told_is_granted_one_and_not_two() -> None:
    quota = Quota("reads", 0.3, 10)
    granted(quota, 1, 3)
    wait = quota.spend(1, NOW).wait_seconds
    assert granted(quota, 1, 2, NOW + (wait - 1) * SECOND) == [False, False]
    assert granted(quota, 1, 2, NOW + wait * SECOND) == [True, False]


def test_no_more_is_saved_up_than_its_size() -> None:
    quota = Quota("reads", 1, 5)
    granted(quota, 1, 5)
    assert granted(quota, 1, 7, NOW + 3600 * SECOND) == [True] * 5 + [False] * 2


def test_tenants_have_quotas_of_their_own() -> None:
    quota = Quota("reads", 1, 2)
    granted(quota, 1, 9)
    assert granted(quota, 2, 3) == [True, True, False]


@given(st.lists(st.integers(0, 2 * SECOND), max_size=60), st.sampled_from([0.7, 1, 2.5]))
def test_in_no_time_is_more_granted_than_the_size_and_what_comes_in_that_time(
    pauses: list[int], per_second: float
) -> None:
    quota = Quota("reads", per_second, 4)
    now, at = NOW, list[int]()
    for pause in pauses:
        now += pause
        if quota.spend(1, now).granted:
            at.append(now)
    each = Fraction(round(SECOND / per_second))
    for first, begun in enumerate(at):
        for number, ended in enumerate(at[first:], start=1):
            assert number <= quota.size + (ended - begun) / each


def test_strangers_push_nobody_out_and_share_one_quota_when_there_are_too_many() -> None:
    quota = Quota("reads", 0.1, 20, most_tenants=3)
    for tenant_id in (1, 2, 3):
        granted(quota, tenant_id, 2)
    strangers = [quota.spend(tenant_id, NOW).granted for tenant_id in range(4, 10)]
    assert strangers == [True, True, False, False, False, False]
    for tenant_id in (1, 2, 3):
        assert granted(quota, tenant_id, 1) == [False]


def test_a_tenant_whose_quota_is_whole_again_makes_room_for_another() -> None:
    quota = Quota("reads", 0.1, 20, most_tenants=2)
    granted(quota, 1, 1)
    granted(quota, 2, 2)
    assert granted(quota, 3, 3) == [True, True, False]  # that of the others
    later = NOW + 10 * SECOND  # the first one has both again
    assert granted(quota, 4, 3, later) == [True, True, False]
    assert granted(quota, 2, 2, later) == [True, False]
    assert granted(quota, 1, 2, later) == [True, False]  # that of the others, who regained one
