"""What a process remembers: shared equally among its tenants, the oldest forgotten first."""

from msgspec import Struct
from msgspec.structs import replace

from app.memory import Memory
from app.tenant_state import Head, TenantState
from domain.tenant import Tenant
from projections.idempotency_keys import KeyRecord

TABLE, USERS = "bets_view", "user_activity_view"
HEAD = Head(position=0, hash=b"", last_timestamp=0, revision=0)


class Row(Struct, frozen=True):
    """A row, of which only the number matters."""

    number: int = 0


def tenant(tenant_id: int) -> TenantState:
    """A tenant of which nothing is known but its head."""
    return TenantState(Tenant(id=tenant_id, status="active", wallet="external"), HEAD)


def claim(key: str) -> KeyRecord:
    return KeyRecord(
        idempotency_key=key,
        operation="placeBet",
        fingerprint={},
        resource_id=f"bet of {key}",
        command_id=None,
        status=201,
    )


def commit(memory: Memory, state: TenantState, *keys: str) -> None:
    """Have a batch that touches these rows, and takes these keys, become durable."""
    head = replace(state.head, position=state.head.position + 1)
    state.advance(head, {TABLE: {key: Row() for key in keys}}, {key: claim(key) for key in keys})
    memory.put(state)
    state.settle()
    memory.trim()


def kept(memory: Memory, tenant_id: int) -> list[str]:
    """The rows of the tenant that are remembered, the oldest first."""
    state = memory.get(tenant_id)
    assert state
    assert list(state.rows[TABLE]) == list(state.keys)
    return list(state.rows[TABLE])


def names(first: int, last: int) -> list[str]:
    return [f"{n}" for n in range(first, last)]


def test_a_tenant_alone_has_all_the_room() -> None:
    memory, one = Memory(10, 100, 100), tenant(1)
    commit(memory, one, *names(0, 100))
    assert kept(memory, 1) == names(0, 100)


def test_the_oldest_rows_are_forgotten_first() -> None:
    memory, one = Memory(10, 100, 100), tenant(1)
    commit(memory, one, *names(0, 100))
    commit(memory, one, *names(100, 150))
    assert kept(memory, 1) == names(50, 150)


def test_a_row_that_is_touched_again_is_young_again() -> None:
    memory, one = Memory(10, 100, 100), tenant(1)
    commit(memory, one, *names(0, 100))
    commit(memory, one, "0")
    commit(memory, one, *names(100, 150))
    assert kept(memory, 1) == [*names(51, 100), "0", *names(100, 150)]


def test_rows_are_forgotten_many_at_a_time() -> None:
    memory, one = Memory(10, 100, 100), tenant(1)
    commit(memory, one, *names(0, 100))
    for n in range(100, 112):
        commit(memory, one, f"{n}")
    assert kept(memory, 1) == names(0, 112)
    commit(memory, one, "112")
    assert kept(memory, 1) == names(13, 113)


def test_every_tenant_has_the_same_share() -> None:
    memory, states = Memory(10, 100, 100), [tenant(n) for n in range(4)]
    for state in states:
        commit(memory, state, "first")
    for state in states:
        commit(memory, state, *names(0, 100))
    assert [kept(memory, n) for n in range(4)] == [names(75, 100)] * 4


def test_a_tenant_that_rests_makes_room_when_others_come() -> None:
    memory = Memory(10, 100, 100)
    commit(memory, tenant(1), *names(0, 100))
    commit(memory, tenant(2), "x")
    assert kept(memory, 1) == names(50, 100)
    commit(memory, tenant(3), "x")
    commit(memory, tenant(4), "x")
    assert kept(memory, 1) == names(75, 100)
    assert kept(memory, 2) == ["x"]


def test_users_have_room_of_their_own() -> None:
    memory, states = Memory(10, 100, 40), [tenant(n) for n in range(2)]
    for state in states:
        users = {name: Row() for name in names(0, 100)}
        state.advance(replace(HEAD, position=1), {TABLE: dict(users), USERS: dict(users)}, {})
        memory.put(state)
        state.settle()
    memory.trim()
    for state in states:
        assert list(state.rows[TABLE]) == names(50, 100)
        assert list(state.rows[USERS]) == names(80, 100)


def test_no_tenant_is_left_without_any_room() -> None:
    memory = Memory(10, 2, 2)
    for n in range(5):
        commit(memory, tenant(n), *names(0, 50))
    assert [kept(memory, n) for n in range(5)] == [["49"]] * 5


def test_the_tenants_used_last_are_remembered() -> None:
    memory, states = Memory(3, 100, 100), [tenant(n) for n in range(4)]
    for state in states[:3]:
        commit(memory, state, "x")
    commit(memory, states[0], "y")
    commit(memory, states[3], "x")
    assert [memory.get(n) is not None for n in range(4)] == [True, False, True, True]


def test_what_is_forgotten_makes_room_for_the_others() -> None:
    memory, states = Memory(10, 100, 100), [tenant(n) for n in range(2)]
    for state in states:
        commit(memory, state, "x")
    memory.forget([0])
    commit(memory, states[1], *names(0, 99))
    assert len(kept(memory, 1)) == 100


def test_rows_that_a_commit_under_way_has_touched_are_kept_until_it_ends() -> None:
    """They cannot be read anywhere else before that."""
    memory, one = Memory(10, 10, 10), tenant(1)
    one.advance(
        replace(HEAD, position=1), {TABLE: {n: Row() for n in names(0, 50)}}, {"0": claim("0")}
    )
    memory.put(one)
    memory.trim()
    assert list(one.rows[TABLE]) == names(0, 50)


def test_rows_read_at_a_head_that_was_passed_add_to_those_known_and_replace_none() -> None:
    state, read = tenant(1), tenant(1)
    state.advance(replace(HEAD, position=1), {TABLE: {"touched": Row(1)}}, {})
    read.rows[TABLE] = {"touched": Row(0), "rest": Row(0)}
    assert state.learn(read)
    assert state.rows[TABLE] == {"touched": Row(1), "rest": Row(0)}
    assert state.head.position == 1


def test_rows_read_at_a_head_that_the_tenant_never_had_are_not_taken_over() -> None:
    state, read = tenant(1), tenant(1)
    for other in (replace(HEAD, position=2), replace(HEAD, hash=b"x"), replace(HEAD, revision=1)):
        read.head = other
        read.rows[TABLE] = {"rest": Row()}
        assert not state.learn(read)
        assert state.rows[TABLE] == {}


def test_an_outdated_tenant_keeps_keys_taken_for_good_and_neither_claims_nor_rows() -> None:
    state, read = tenant(1), tenant(1)
    for position, key in enumerate(("durable", "lost"), start=1):
        state.advance(replace(HEAD, position=position), {TABLE: {key: Row()}}, {key: claim(key)})
        if key == "durable":
            state.settle()
    assert state.taken("durable")
    assert state.taken("lost")
    state.outdate()
    assert state.taken("durable")
    assert not state.taken("lost")
    assert state.rows[TABLE] == {}
    read.head = replace(HEAD, position=7)
    assert state.learn(read)
    assert state.head.position == 7
    assert not state.outdated


def test_a_tenant_makes_room_after_its_commit_though_others_came_during_it() -> None:
    memory, one = Memory(10, 100, 100), tenant(1)
    commit(memory, one, *names(0, 100))
    head = replace(one.head, position=one.head.position + 1)
    one.advance(head, {TABLE: {"under way": Row()}}, {"under way": claim("under way")})
    memory.put(one)
    commit(memory, tenant(2), "0")
    assert len(one.rows[TABLE]) == 101
    one.settle()
    memory.trim()
    assert kept(memory, 1) == [*names(51, 100), "under way"]
