"""The registry of tenants: create, list, read, change."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from litestar import Controller, Response
from litestar.params import JSONBody

from app import openapi, problems, tenants
from app import registry_description as description
from app.answers import Answer, TenantPage
from app.controllers.users import Cursor, Limit
from app.handlers import get, patch, post
from app.paths import PathTenantId
from app.problems import (
    INVALID_CURSOR,
    TENANT_EXISTS,
    TENANT_NOT_FOUND,
    WALLET_IN_USE,
    FieldError,
    Problem,
    problem,
)
from app.scopes import OVER_TENANTS
from app.service import LedgerRequest
from app.submission import CREATED, OK
from domain.errors import WalletInUse
from domain.tenant import ChangeTenant, CreateTenant, RegisteredTenant

if TYPE_CHECKING:
    from app.event_log import Connection

_LIST: Final = "tenants"


class TenantRegistryController(Controller):
    """The tenants as such; what happens in one of them is asked for with its id in a header."""

    path = "/tenants"
    tags = ("Tenants",)

    @post(
        scope=OVER_TENANTS,
        operation_id="createTenant",
        summary="Create a tenant",
        operation_class=description.RegistryOperation,
        responses={
            200: openapi.answered(RegisteredTenant, "The tenant is there already, just like that."),
            **openapi.problems(*description.OF_BODIES),
        },
    )
    async def create(
        self, request: LedgerRequest, data: JSONBody[CreateTenant]
    ) -> Response[RegisteredTenant]:
        """Register an operator, whose commands are taken from then on.

        No Idempotency-Key is needed: the id makes a repeat known, which is answered with the
        tenant as long as that is what the request says.
        """
        async with _registry(request) as connection:
            tenant, is_new = await tenants.create(connection, data)
        location = {"Location": f"/tenants/{tenant.id}"}
        return Answer(tenant, status_code=CREATED if is_new else OK, headers=location)

    @get(
        scope=OVER_TENANTS,
        operation_id="listTenants",
        summary="List tenants",
        operation_class=description.RegistryOperation,
        responses=openapi.problems(*description.OF_READS, INVALID_CURSOR),
    )
    async def list_tenants(
        self, request: LedgerRequest, limit: Limit = 50, cursor: Cursor = None
    ) -> Response[TenantPage]:
        """A page of all tenants, in the order of their ids."""
        cursors = request.service.cursors
        after = 0 if cursor is None else cursors.read(cursor, _LIST)
        async with _registry(request) as connection:
            # One more than asked for tells whether there is a next page.
            found, total = await tenants.page(connection, after, limit + 1)
        listed = found[:limit]
        following = cursors.write(listed[-1].id, _LIST) if len(found) > limit else None
        return Answer(TenantPage(tenants=listed, total=total, next_cursor=following))

    @get(
        "/{tenant_id:str}",
        scope=OVER_TENANTS,
        operation_id="getTenant",
        summary="Read a tenant",
        operation_class=description.RegistryOperation,
        responses=openapi.problems(*description.OF_READS, TENANT_NOT_FOUND),
    )
    async def read(
        self, request: LedgerRequest, tenant_id: PathTenantId
    ) -> Response[RegisteredTenant]:
        """What is registered of a tenant."""
        async with _registry(request) as connection:
            return Answer(await tenants.read(connection, tenant_id))

    @patch(
        "/{tenant_id:str}",
        scope=OVER_TENANTS,
        operation_id="changeTenant",
        summary="Change a tenant",
        operation_class=description.RegistryChange,
        responses=openapi.problems(*description.OF_BODIES, TENANT_NOT_FOUND, WALLET_IN_USE),
    )
    async def change(
        self, request: LedgerRequest, tenant_id: PathTenantId, data: JSONBody[ChangeTenant]
    ) -> Response[RegisteredTenant]:
        """Change what the body names, all of it or nothing; the rest stays as it is.

        A suspended tenant's commands are refused, and it is still read. The wallet changes only
        while no bet is placed or confirmed. No command is decided on what was before.
        """
        async with _registry(request) as connection:
            return Answer(await tenants.change(connection, tenant_id, data))


@asynccontextmanager
async def _registry(request: LedgerRequest) -> AsyncGenerator["Connection", None]:
    """A connection to work on the tenants with; what they refuse is raised as `Problem`."""
    service = request.service
    try:
        async with service.pool.acquire(
            timeout=service.settings.command_timeout_seconds
        ) as connection:
            yield connection
    except tenants.UnknownTenant as error:
        raise problem(TENANT_NOT_FOUND, str(error)) from error
    except tenants.TenantExists as error:
        taken = [FieldError("is another tenant's", f"#/{error.field}")]
        raise problem(TENANT_EXISTS, str(error), errors=taken) from error
    except WalletInUse as refusal:
        raise Problem(problems.of_refusal(refusal)) from refusal
