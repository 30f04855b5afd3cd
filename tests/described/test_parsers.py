"""The parsers that read strangers' bytes: what they take is whole, the rest is refused by name."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from app import as_of, headers
from app.accept import chosen
from app.answers import encode
from app.bodies import decode
from app.cursors import Cursors
from app.problems import Problem
from domain.bet import CancelBet, PlaceBet, SettleBet
from domain.payment import FailPayment, MakePayment
from domain.tenant import ChangeTenant, CreateTenant
from tests.app.api.operations import BODIES
from tests.conftest import SECRET

ValueT = TypeVar("ValueT")

KINDS: Final[dict[str, Any]] = {
    "placeBet": PlaceBet,
    "settleBet": SettleBet,
    "cancelBet": CancelBet | None,
    "makePayment": MakePayment,
    "failPayment": FailPayment | None,
    "createTenant": CreateTenant,
    "changeTenant": ChangeTenant,
}
OFFERED: Final = ("application/json", "application/cloudevents-batch+json", "avro/binary")
LARGEST: Final = 2**63 - 1
LONGEST_CURSOR: Final = 512
INVALID_CURSOR: Final = (400, "invalid-cursor")
EXAMPLES: Final = 200
LONG_EXAMPLES: Final = 40_000
# Pieces that mean something to one parser or another, to be put where they do not belong.
PIECES: Final = st.sampled_from(
    [
        *(b"", b"\x00", b"\xff", b"\xed\xa0\x80", b"\\", b'"', b"\\u0000", b"\\ud800", b"{", b"}"),
        *(b"[" * 2000, b"null", b"NaN", b"-", b"1e400", b"1e-400", b"9" * 400, b"0", b",", b":"),
        *(b";q=", b"*/*", b"W/", b"Infinity", b"\xef\xbb\xbf", b" ", b"\t", b"+", b".", b"T", b"Z"),
    ]
)


@st.composite
def damaged(draw: st.DrawFn, whole: SearchStrategy[bytes]) -> bytes:
    """What is valid with a part of it cut out, repeated or replaced, up to three times."""
    value = draw(whole)
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(value))] * 2)))
        part = draw(PIECES | st.binary(max_size=4) | st.just(value[start:end] * 2))
        value = value[:start] + part + value[end:]
    return value


def fuzzed(*valid: str | bytes) -> SearchStrategy[bytes]:
    """Arbitrary bytes, and the valid ones damaged."""
    whole = [each.encode() if isinstance(each, str) else each for each in valid]
    return st.binary(max_size=300) | damaged(st.sampled_from(whole))


class Refusal(NamedTuple):
    """The status of a problem, and its kind."""

    status: int
    kind: str


def outcome(parse: Callable[[], ValueT]) -> ValueT | Refusal:
    """What a parser makes of its input; whatever it raises other than `Problem` gets out."""
    try:
        return parse()
    except Problem as problem:
        document = json.loads(encode(problem.document))
        return Refusal(document["status"], document["type"].removeprefix("/problems/"))


def check(strategy: SearchStrategy[Any], claim: Callable[[Any], None], *, long: bool) -> None:
    """Try a claim with many values, the same ones each time unless the run is long."""
    examples = LONG_EXAMPLES if long else EXAMPLES
    tried = given(strategy)(claim)
    settings(max_examples=examples, deadline=None, derandomize=not long, database=None)(tried)()


@pytest.mark.parametrize("operation", KINDS)
def test_a_body_is_a_command_or_refused(operation: str, long: bool) -> None:
    kind = KINDS[operation]

    def claim(body: bytes) -> None:
        found = outcome(partial(decode, body, kind))
        if isinstance(found, Refusal):
            assert found == (400, "invalid-request")
        else:
            assert isinstance(found, kind)
            assert isinstance(json.loads(body), dict | None)

    check(fuzzed(json.dumps(BODIES[operation])), claim, long=long)


def test_a_cursor_says_what_was_written_and_only_in_its_list(long: bool) -> None:
    cursors, others = Cursors(SECRET), Cursors(SECRET[::-1])
    scopes = st.tuples(st.sampled_from(["bets", "payments"]), st.none() | st.text(), st.integers())

    def claim(given: tuple[int, tuple[object, ...], tuple[object, ...]]) -> None:
        position, scope, other = given
        cursor = cursors.write(position, *scope)
        assert len(cursor) <= LONGEST_CURSOR
        assert cursors.read(cursor, *scope) == position
        elsewhere = outcome(partial(cursors.read, cursor, *other))
        assert elsewhere == (position if other == scope else INVALID_CURSOR)
        assert outcome(partial(others.read, cursor, *scope)) == INVALID_CURSOR

    check(st.tuples(st.integers(0, LARGEST), scopes, scopes), claim, long=long)


def test_a_cursor_that_was_tampered_with_is_refused(long: bool) -> None:
    cursors = Cursors(SECRET)
    written = {cursors.write(position, "bets", 10001): position for position in (0, 7, LARGEST)}

    def claim(given: bytes) -> None:
        cursor = given.decode("utf-8", "replace")
        found = outcome(partial(cursors.read, cursor, "bets", 10001))
        assert found == written.get(cursor, INVALID_CURSOR)

    check(fuzzed(*written), claim, long=long)


def test_a_key_is_printable_or_refused(long: bool) -> None:
    def claim(given: bytes) -> None:
        key = outcome(partial(headers.idempotency_key, [(b"idempotency-key", given)]))
        if isinstance(key, Refusal):
            assert key in {(400, "missing-key"), (400, "invalid-key")}
        else:
            assert 1 <= len(key) <= 255
            assert key.isascii()
            assert key.isprintable()

    check(fuzzed("key-1", '"key-1"', '"a\\"b\\\\"', "x" * 255, '" "'), claim, long=long)


def test_a_key_in_quotes_is_the_key_itself(long: bool) -> None:
    def claim(key: str) -> None:
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        assert headers.idempotency_key([(b"idempotency-key", f'"{escaped}"'.encode())]) == key

    printable = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    check(st.text(printable, min_size=1, max_size=255), claim, long=long)


def test_a_tenant_is_a_positive_int64_or_refused(long: bool) -> None:
    def claim(given: bytes) -> None:
        tenant_id = outcome(partial(headers.tenant_id, [(b"x-tenant-id", given)]))
        if isinstance(tenant_id, Refusal):
            assert tenant_id == (400, "invalid-tenant")
        else:
            assert 1 <= tenant_id <= LARGEST
            assert str(tenant_id).encode() == given

    check(fuzzed("10001", str(LARGEST), str(LARGEST + 1)), claim, long=long)


def test_a_position_to_resume_at_is_an_int64_or_refused(long: bool) -> None:
    def claim(given: bytes) -> None:
        position = outcome(partial(headers.last_event_id, [(b"last-event-id", given)]))
        if isinstance(position, Refusal):
            assert position == (400, "invalid-request")
        elif position is None:
            assert not given
        else:
            assert 0 <= position <= LARGEST
            assert position == int(given)

    check(fuzzed("0", "7", str(LARGEST)), claim, long=long)


def test_headers_that_are_never_refused_are_kept_as_they_are_or_passed_over(long: bool) -> None:
    def claim(given: bytes) -> None:
        for read in (headers.correlation_id, headers.request_id, headers.traceparent):
            for name in (b"x-correlation-id", b"x-request-id", b"traceparent"):
                kept = read([(name, given)])
                assert kept is None or (kept.encode() == given and len(given) <= 128)
        versions = headers.expected_versions([(b"if-match", given)])
        assert versions is None or all(version >= 1 for version in versions)
        assert headers.is_unmodified([(b"if-none-match", given)], '"7"') in {True, False}
        assert ";" not in headers.media_type([(b"content-type", given)])

    span = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    check(fuzzed(span, '"1"', 'W/"1", "2"', "*", "application/json;a=b"), claim, long=long)


def test_a_moment_is_a_position_or_a_time_or_refused(long: bool) -> None:
    def claim(given: bytes) -> None:
        text = given.decode("utf-8", "replace")
        moment = outcome(partial(as_of.parse, [text]))
        if isinstance(moment, Refusal):
            assert moment == (400, "invalid-request")
        else:
            assert moment is not None
            assert moment.is_time or str(moment.number) == text

    times = ("2026-11-21T12:00:00Z", "2026-11-21T13:00:00.1234+01:00", "0001-01-01T00:00:00+14:00")
    check(fuzzed("0", "1795", str(LARGEST), *times), claim, long=long)


def test_what_is_answered_was_offered_or_nothing_is(long: bool) -> None:
    def claim(given: bytes) -> None:
        found = outcome(partial(chosen, [(b"accept", given)], OFFERED))
        assert found in {*OFFERED, (406, "not-acceptable")}

    check(fuzzed("*/*", "avro/*;q=0.5, application/json;q=0.1", *OFFERED), claim, long=long)
