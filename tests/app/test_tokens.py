"""Tokens: whatever is sent is understood or refused, and what is remembered has a bound."""

import asyncio
import hmac
import json
import time
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jwt import PyJWK
from msgspec.json import encode

from app import tokens
from app.grant import Grant
from app.problems import Problem
from app.settings import Settings
from app.signing_keys import SecretKey
from app.tokens import Tokens
from tests.app.api.tokens import SECRET, SUBJECT, TENANTS, WITH_SECRET, by_hand, claims, token

LEEWAY: Final = 10.0
JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CLAIMS: Final = st.sampled_from(["sub", "exp", "aud", "iss", "nbf", "iat", "scope", "tenants"])


class CountedKey(SecretKey):
    """The key of the tests, which counts how often it was needed."""

    def __init__(self) -> None:
        super().__init__(SECRET)
        self.needed = 0

    async def key(self, key_id: str | None) -> PyJWK:
        """The key."""
        self.needed += 1
        return await super().key(key_id)


def checking(key: SecretKey | None = None) -> Tokens:
    """Tokens that are checked as by a service with the secret of the tests."""
    given = Settings(**(WITH_SECRET | dict[str, Any](jwt_leeway_seconds=LEEWAY)))
    return Tokens(key or SecretKey(SECRET), given)


def granted(given: bytes) -> Grant | None:
    """What a token grants; None if it is refused as it should be."""
    try:
        return asyncio.run(checking().grant(given))
    except Problem as problem:
        refused = problem
    assert refused.document["type"] == "/problems/token-invalid"
    assert refused.headers["WWW-Authenticate"].isascii()
    return None


@given(st.binary(max_size=200))
@example(b"")
@example(b"..")
@example(b"e30.e30.")
@example(b"eyJhbGciOiJIUzI1NiJ9..")
@settings(max_examples=300, deadline=None)
def test_what_is_no_token_is_refused(given: bytes) -> None:
    assert granted(given) is None


@given(JSON, JSON)
@settings(max_examples=200, deadline=None)
def test_a_header_of_any_shape_is_refused(header: Any, kid: Any) -> None:
    for named in (header, {"alg": header, "kid": kid}, {"alg": "HS256", "crit": kid}):
        assert granted(by_hand(named, encode(claims()), lambda _: b"").encode()) is None


@given(st.dictionaries(CLAIMS, JSON, min_size=1))
@settings(max_examples=300, deadline=None)
def test_claims_of_any_shape_are_understood_or_refused(replaced: dict[str, Any]) -> None:
    signed = by_hand(
        {"alg": "HS256"},
        json.dumps(claims() | replaced).encode(),
        lambda signed: hmac.digest(SECRET.encode(), signed, "sha256"),
    )
    found = granted(signed.encode())
    assert found is None or 0 < len(found.subject) <= 128


async def test_a_token_grants_what_it_says() -> None:
    expires = int(time.time()) + 60
    found = await checking().grant(token(exp=expires, scope="bets:read audit:read").encode())
    assert found == Grant(
        subject=SUBJECT,
        scopes=frozenset({"bets:read", "audit:read"}),
        tenants=frozenset(TENANTS),
        expires=expires,
        until=expires + LEEWAY,
    )


async def test_a_token_is_verified_once() -> None:
    key = CountedKey()
    checked = checking(key)
    for subject in ("anna", "bob", "carol"):
        given = token(sub=subject).encode()
        for _ in range(5):
            assert (await checked.grant(given)).subject == subject
    assert key.needed == 3


async def test_a_token_that_lives_on_the_leeway_alone_is_verified_each_time() -> None:
    key = CountedKey()
    checked = checking(key)
    for _ in range(5):
        await checked.grant(token(exp=int(time.time()) - 2).encode())
    assert key.needed == 5


async def test_no_more_tokens_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens, "MOST_REMEMBERED", 3)
    key = CountedKey()
    checked = checking(key)
    favourite = token(sub="favourite").encode()
    others = [token(sub=f"user-{number}").encode() for number in range(20)]
    for other in others:
        await checked.grant(other)
        assert (await checked.grant(favourite)).subject == "favourite"
    assert key.needed == 21, "who comes again and again is remembered"
    for other in reversed(others):
        await checked.grant(other)
    assert key.needed == 21 + 20 - 2, "all but the last ones had been forgotten"


async def test_once_keys_may_have_changed_every_token_is_verified_again() -> None:
    key, given = CountedKey(), token().encode()
    checked = checking(key)
    for version in range(3):
        key.version = version
        for _ in range(3):
            await checked.grant(given)
    assert key.needed == 3
