"""The keys that tokens are signed with: a secret, or a JSON Web Key Set (RFC 7517) kept fresh."""

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias, cast

import structlog
from jwt import PyJWK, PyJWKClient, PyJWKSet, PyJWTError

from app.complaint import Complaint
from app.settings import Settings

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA"})
FETCH_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 10.0
# Anybody can make up the id of a key: how often one that is not known makes us look again.
UNKNOWN_SECONDS: Final = 10.0

Source: TypeAlias = Callable[[], PyJWKSet]
ById: TypeAlias = Mapping[str | None, PyJWK]

_log: Final = structlog.get_logger()


class NoKey(ValueError):
    """A key set has no key that a token could be signed with."""


class KeysUnusable(Complaint):
    """A file holds no keys for tokens; the message says why."""


class NotRead(Exception):
    """The keys could not be read yet: nothing can be said of any token."""


class Keys(Protocol):
    """Where the key of a token is found."""

    @property
    def version(self) -> int:
        """Another number whenever the keys may be others."""
        ...

    @property
    def ready(self) -> bool:
        """Whether there are keys to check with."""
        ...

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key by the id that a token names, if any. Raises `NotRead`."""
        ...


class SecretKey:
    """The one key of HS256, whatever a token calls it."""

    version: int = 0
    ready: bool = True

    def __init__(self, secret: str) -> None:
        encoded = base64.urlsafe_b64encode(secret.encode()).decode()
        self._key = PyJWK({"kty": "oct", "alg": "HS256", "k": encoded})

    async def key(self, key_id: str | None) -> PyJWK:  # noqa: ARG002 - as the protocol has it
        """The key."""
        return self._key


class KeySet:
    """The keys of a source, read anew when they are old or when a token names an unknown one.

    While the source is away, or has no usable key, the last ones stay in use. It is read in a
    thread, never twice at once, and nobody waits for it longer than `FETCH_SECONDS`.
    """

    def __init__(self, source: Source, fresh_seconds: float) -> None:
        self.version = 0
        self._source = source
        self._fresh_seconds = fresh_seconds
        self._keys: ById = {}
        self._reading: asyncio.Task[bool] | None = None
        self._looked = -UNKNOWN_SECONDS

    @property
    def ready(self) -> bool:
        """Whether the source was read at least once."""
        return bool(self._keys)

    async def key(self, key_id: str | None) -> PyJWK | None:
        """The key by its id; without an id the only one there is. Raises `NotRead`."""
        if key_id not in self._keys and self._may_look():
            await self._refresh()
        if not self._keys:
            raise NotRead
        return self._keys.get(key_id)

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None, None]:
        """Read the source now, and again and again for as long as this is open."""
        fresh = await self._refresh()
        keeping = asyncio.create_task(self._keep(fresh=fresh))
        try:
            yield
        finally:
            ending = [keeping] if self._reading is None else [keeping, self._reading]
            for task in ending:
                task.cancel()
            await asyncio.wait(ending)

    async def _keep(self, *, fresh: bool) -> None:
        while True:
            seconds = self._fresh_seconds if fresh else min(RETRY_SECONDS, self._fresh_seconds)
            await asyncio.sleep(seconds)
            fresh = await self._refresh()

    def _may_look(self) -> bool:
        if self._is_reading():
            return True
        if monotonic() - self._looked < UNKNOWN_SECONDS:
            return False
        self._looked = monotonic()
        return True

    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _refresh(self) -> bool:
        """Read the source, or wait for whoever does; whether the keys are fresh now."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        reading = self._reading
        await asyncio.wait({reading}, timeout=FETCH_SECONDS)
        return reading.done() and not reading.cancelled() and reading.result()

    async def _read(self) -> bool:
        try:
            keys = by_id(await asyncio.to_thread(self._source))
        except Exception as error:  # noqa: BLE001 - whatever a source answers, the last keys stay
            _log.warning("keys of tokens not read", error=repr(error))
            return False
        self._keys = keys
        self.version += 1
        return True


def keys_of(settings: Settings) -> SecretKey | KeySet:
    """The keys that the settings name, not read yet."""
    if settings.jwt_secret is not None:
        return SecretKey(settings.jwt_secret)
    return KeySet(source(cast("str", settings.jwt_jwks)), settings.jwt_jwks_seconds)


def check_keys(settings: Settings) -> None:
    """Raise `KeysUnusable` if a file is named that holds no keys; a URL may be away for now."""
    place = settings.jwt_jwks
    if place is None or _is_url(place):
        return
    try:
        by_id(source(place)())
    except (PyJWTError, OSError, ValueError, TypeError) as error:
        raise KeysUnusable(f"JWT_JWKS={place!r} holds no keys for tokens: {error}.") from error


def source(place: str) -> Source:
    """How the key set at a path or URL is read; an answer that leads elsewhere is not followed."""
    if _is_url(place):
        return PyJWKClient(place, cache_jwk_set=False, timeout=FETCH_SECONDS).get_jwk_set
    return lambda: _decoded(Path(place).read_bytes())


def _is_url(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def by_id(keys: PyJWKSet) -> ById:
    """The keys that tokens can be signed with, by id; None names the only one. Raises `NoKey`.

    A secret in a key set is no secret, and a key is for one algorithm: its own `alg`, or the
    one of its type. All others are left out, as are keys for encryption.
    """
    signing = [
        key
        for key in keys
        if key.algorithm_name in ALGORITHMS and key.public_key_use in {None, "sig"}
    ]
    if not signing:
        raise NoKey(f"no key of {', '.join(sorted(ALGORITHMS))} in the key set")
    found = {key.key_id: key for key in reversed(signing) if key.key_id is not None}
    return found | ({None: signing[0]} if len(signing) == 1 else {})


def _decoded(text: bytes) -> PyJWKSet:
    document: Any = json.loads(text)
    if not isinstance(document, dict):
        raise NoKey("not a JSON object")
    return PyJWKSet.from_dict(cast("dict[str, Any]", document))
