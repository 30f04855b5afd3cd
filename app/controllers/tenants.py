"""Tenants: their totals."""

from litestar import Controller, Response

from app import openapi
from app.answers import Answer
from app.handlers import get
from app.service import LedgerRequest
from projections import tenants_summary
from projections.tenants_summary import TenantSummary


class TenantController(Controller):
    """The tenant as a whole."""

    path = "/tenants"
    tags = ("Tenants",)

    @get(
        "/summary",
        scope="reports:read",
        operation_id="getTenantSummary",
        summary="Read the tenant's totals",
        operation_class=openapi.PastRead,
        responses=openapi.problems(*openapi.OF_PAST_READS),
    )
    async def totals(self, request: LedgerRequest) -> Response[TenantSummary]:
        """Bets and payments by status, turnover, payouts, revenue and balances; or as they were."""
        row = await request.service.reads.row(
            tenants_summary.projection, request.tenant_id, as_of=request.as_of
        )
        return Answer(row or TenantSummary())
