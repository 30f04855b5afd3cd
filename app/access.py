"""Access: who may do what, checked before anything else of a request is looked at."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias, cast

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from app import headers
from app.challenge import scope_missing, tenant_forbidden, token_invalid, token_missing
from app.grant import Grant
from app.handlers import Handler
from app.headers import RawHeaders
from app.problems import Problem
from app.scopes import OVER_TENANTS, Scope
from app.service import LedgerRequest
from app.settings import Settings
from app.signing_keys import KeySet, keys_of
from app.tokens import Tokens

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]


class Access:
    """Asks every request for a token that allows it (AUTH=jwt)."""

    def __init__(self, settings: Settings) -> None:
        self._keys = keys_of(settings)
        self._tokens = Tokens(self._keys, settings)

    @property
    def ready(self) -> bool:
        """Whether tokens can be checked."""
        return self._keys.ready

    @asynccontextmanager
    async def kept(self, _: Litestar) -> AsyncGenerator[None, None]:
        """Keep the keys fresh while the application runs."""
        if isinstance(self._keys, KeySet):
            async with self._keys.kept():
                yield
        else:
            yield

    async def check(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """The guard of all routes; leaves the grant with the request. Raises `Problem`.

        Handlers that are not ours answer OPTIONS and the pages of /schema: to everybody.
        """
        scope = handler.scope if isinstance(handler, Handler) else None
        if scope is None:
            return
        request = cast("LedgerRequest", connection)
        try:
            request.grant = await self._granted(request.scope["headers"], scope)
        except Problem:
            # Refused already: what is read now is thrown away, but would be in the way of the
            # connection's next request.
            with suppress(Problem):
                await request.body()
            raise

    async def _granted(self, raw: RawHeaders, scope: Scope) -> Grant:
        tokens = headers.bearer_tokens(raw)
        if not tokens:
            raise token_missing()
        if len(tokens) > 1:
            raise token_invalid("Authorization must be given once.")
        grant = await self._tokens.grant(tokens[0])
        if scope not in grant.scopes:
            raise scope_missing(scope)
        if scope != OVER_TENANTS and headers.tenant_id(raw) not in grant.tenants:
            raise tenant_forbidden()
        return grant
