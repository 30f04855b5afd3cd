"""Where the keys of tokens come from: a secret, a file, a URL; how they change, and fail."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from jwt.algorithms import RSAAlgorithm
from msgspec.json import encode

from app import signing_keys
from tests.app.api.tokens import (
    SECRET,
    WITH_SECRET,
    WITH_TOKENS,
    bearer,
    by_hand,
    claims,
    issuer,
    key_set,
    token,
)
from tests.app.key_server import KeyServer, serving_keys
from tests.app.locks import until
from tests.conftest import Client, StartService

SUMMARY: Final = "/tenants/summary"
ANOTHER: Final = issuer("ES256", "key-2")


async def status(client: Client, token: str) -> int:
    """What a read with this token is answered."""
    return (await client.get(SUMMARY, headers=bearer(token))).status_code


async def until_accepted(client: Client, token: str, *, by: int = 200) -> None:
    """Go on once a token is answered so."""

    async def accepted() -> bool:
        return await status(client, token) == by

    await until(accepted)


class KeyFile:
    """A file with a key set, which can be replaced."""

    def __init__(self, path: Path) -> None:
        self.settings = WITH_TOKENS | {"jwt_jwks": str(path)}
        self._path = path

    def write(self, document: object) -> None:
        """Replace what it holds."""
        self.write_text(json.dumps(document))

    def write_text(self, text: str) -> None:
        """As above, with what need not be JSON."""
        self._path.write_text(text)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """A file with the keys of `issuer()`."""
    file = KeyFile(tmp_path / "keys.json")
    file.write(key_set([issuer()]))
    return file


@asynccontextmanager
async def fetching(
    start_service: StartService, document: Any, **settings: Any
) -> AsyncGenerator[tuple[KeyServer, Client], None]:
    """A service that fetches this key set."""
    with serving_keys(document) as server:
        async with start_service(**WITH_TOKENS | {"jwt_jwks": server.url} | settings) as client:
            yield server, client


async def test_a_secret_signs_tokens_whatever_they_call_it(start_service: StartService) -> None:
    async with start_service(**WITH_SECRET) as client:
        assert await status(client, token()) == 200
        named = jwt.encode(claims(), SECRET, "HS256", {"kid": "any"})
        assert await status(client, named) == 200
        for forged in (
            jwt.encode(claims(), SECRET + "x", "HS256"),
            jwt.encode(claims(), SECRET + "x" * 64, "HS512"),
            jwt.encode(claims(), "", "none"),
            issuer().token(),
        ):
            assert await status(client, forged) == 401


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_each_algorithm_signs_tokens_and_only_with_its_own_keys(
    start_service: StartService, keys: KeyFile, algorithm: str
) -> None:
    keys.write(key_set([issuer(algorithm)]))
    async with start_service(**keys.settings) as client:
        for other in ("RS256", "ES256", "EdDSA"):
            expected = 200 if other == algorithm else 401
            assert await status(client, issuer(other).token()) == expected


# A key set with one of these and a good one is used without it.
UNUSABLE: Final[dict[str, dict[str, Any]]] = {
    "for encryption": {"use": "enc"},
    "for another algorithm": {"alg": "RS512"},
    "for an algorithm of another type": {"alg": "ES256"},
    "of no type": {"kty": None},
    "of an unknown type": {"kty": "XYZ"},
    "cut off": {"n": None},
}


@pytest.mark.parametrize("fault", UNUSABLE)
async def test_a_key_that_is_not_for_tokens_is_not_used(
    start_service: StartService, keys: KeyFile, fault: str
) -> None:
    faulty = issuer().jwk | UNUSABLE[fault]
    keys.write({"keys": [faulty, ANOTHER.jwk]})
    async with start_service(**keys.settings) as client:
        assert await status(client, issuer().token()) == 401
        assert await status(client, ANOTHER.token()) == 200


async def test_a_secret_in_a_key_set_is_none(start_service: StartService, keys: KeyFile) -> None:
    shared = {"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "shared", "alg": "HS256"}
    keys.write({"keys": [shared, issuer().jwk]})
    async with start_service(**keys.settings) as client:
        forged = jwt.encode(claims(), "secret" * 8, "HS256", {"kid": "shared"})
        assert await status(client, forged) == 401
        assert await status(client, issuer().token()) == 200


async def test_a_key_that_is_too_short_signs_nothing(
    start_service: StartService, keys: KeyFile
) -> None:
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - which is why it is refused
    public = RSAAlgorithm.to_jwk(short.public_key(), as_dict=True)
    keys.write({"keys": [public | {"kid": "short"}]})
    forged = by_hand(
        {"alg": "RS256", "kid": "short"},
        encode(claims()),
        lambda signed: short.sign(signed, padding.PKCS1v15(), hashes.SHA256()),
    )
    async with start_service(**keys.settings) as client:
        assert await status(client, forged) == 401


async def test_a_token_need_not_name_the_key_where_there_is_one_only(
    start_service: StartService, keys: KeyFile
) -> None:
    nameless = jwt.encode(claims(), issuer().private, "RS256")
    async with start_service(**keys.settings) as client:
        assert await status(client, nameless) == 200
    keys.write(key_set([issuer(), ANOTHER]))
    async with start_service(**keys.settings) as client:
        assert await status(client, nameless) == 401
        assert await status(client, issuer().token()) == 200


async def test_a_file_that_is_replaced_is_read_when_a_token_names_a_new_key(
    start_service: StartService, keys: KeyFile
) -> None:
    async with start_service(**keys.settings) as client:
        assert await status(client, issuer().token()) == 200
        keys.write(key_set([ANOTHER]))
        assert await status(client, ANOTHER.token()) == 200
        assert await status(client, issuer().token()) == 401, "withdrawn, and forgotten"


async def test_a_key_that_is_withdrawn_is_noticed_without_being_asked_for(
    start_service: StartService, keys: KeyFile
) -> None:
    async with start_service(**keys.settings, jwt_jwks_seconds=0.05) as client:
        known = issuer().token()
        assert await status(client, known) == 200
        keys.write(key_set([ANOTHER]))
        await until_accepted(client, known, by=401)
        assert await status(client, ANOTHER.token()) == 200


@pytest.mark.parametrize(
    "found", ["", "{", "[]", "7", '{"keys": []}', '{"keys": {}}', '{"keys": [[], {"kty": "oct"}]}']
)
async def test_a_file_that_is_broken_changes_nothing(
    start_service: StartService, keys: KeyFile, found: str
) -> None:
    async with start_service(**keys.settings) as client:
        keys.write_text(found)
        assert await status(client, ANOTHER.token()) == 401
        assert await status(client, issuer().token()) == 200


async def test_keys_are_fetched_and_fetched_again(start_service: StartService) -> None:
    async with fetching(start_service, key_set([issuer()])) as (server, client):
        assert await status(client, issuer().token()) == 200
        assert server.served == 1
        server.document = key_set([issuer(), ANOTHER])
        assert await status(client, ANOTHER.token()) == 200
        assert server.served == 2


async def test_keys_that_nobody_knows_do_not_make_us_fetch_at_will(
    start_service: StartService,
) -> None:
    async with fetching(start_service, key_set([issuer()])) as (server, client):
        forged = [issuer().token({"kid": f"unknown-{number}"}) for number in range(100)]
        found = await asyncio.gather(*(status(client, each) for each in forged[:50]))
        found += [await status(client, each) for each in forged[50:]]
        assert found == [401] * 100
        assert server.served == 2


async def test_the_last_keys_stay_while_their_source_is_away(start_service: StartService) -> None:
    fetched = fetching(start_service, key_set([issuer()]), jwt_jwks_seconds=0.05)
    async with fetched as (server, client):
        server.close()
        assert await status(client, ANOTHER.token()) == 401
        for _ in range(20):
            assert await status(client, issuer().token(jti=None)) == 200
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [500, 302, 404])
async def test_an_answer_that_is_none_or_leads_elsewhere_changes_nothing(
    start_service: StartService, answer: int
) -> None:
    async with fetching(start_service, key_set([issuer()])) as (server, client):
        server.status, server.document = answer, key_set([ANOTHER])
        assert await status(client, ANOTHER.token()) == 401
        assert await status(client, issuer().token()) == 200
        assert server.served == 2


async def test_a_slow_source_holds_up_only_who_needs_it(start_service: StartService) -> None:
    async with fetching(start_service, key_set([issuer()])) as (server, client):
        server.open.clear()
        server.document = key_set([issuer(), ANOTHER])
        waiting = asyncio.create_task(status(client, ANOTHER.token()))

        async def asked() -> bool:
            return server.served == 2

        await until(asked)
        for _ in range(20):
            assert await status(client, issuer().token()) == 200
            assert (await client.http.get("/livez")).status_code == 200
        assert not waiting.done()
        server.open.set()
        assert await waiting == 200


async def test_a_source_that_never_answers_is_given_up(
    start_service: StartService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.2)
    async with fetching(start_service, key_set([issuer()])) as (server, client):
        server.open.clear()
        assert await status(client, ANOTHER.token()) == 401
        assert await status(client, issuer().token()) == 200


async def test_a_service_that_never_had_keys_says_that_it_is_not_ready(
    start_service: StartService,
) -> None:
    async with fetching(start_service, {"keys": []}, jwt_jwks_seconds=0.05) as (server, client):
        unready = await client.http.get("/readyz")
        assert (unready.status_code, unready.json()["error"]) == (503, "Service not ready")
        assert "JWT_JWKS" in unready.json()["detail"]
        refused = await client.get(SUMMARY, headers=bearer(issuer().token()))
        assert (refused.status_code, refused.json()["error"]) == (503, "Service unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await client.get(SUMMARY)).status_code == 401
        server.document = key_set([issuer()])
        await until_accepted(client, issuer().token())
        assert (await client.http.get("/readyz")).status_code == 200
