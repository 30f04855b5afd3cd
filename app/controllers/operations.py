"""What operators ask the process itself: is it alive, is it ready, what does it count."""

from litestar import Controller, MediaType, Response
from msgspec import Struct

from app import openapi
from app.answers import Answer, Document
from app.handlers import get
from app.problems import NOT_READY, problem
from app.schema import schema_fault
from app.service import LedgerRequest


class Alive(Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class OperationsController(Controller):
    """Probes and metrics; none of them needs a tenant."""

    tags = ("Operations",)

    @get(
        "/livez",
        scope=None,
        operation_id="isAlive",
        operation_class=openapi.OpenOperation,
        summary="Is the process alive?",
        sync_to_thread=False,
    )
    def alive(self) -> Response[Alive]:
        """Answers as long as the event loop turns; asks nobody else."""
        return Answer(Alive())

    @get(
        "/readyz",
        scope=None,
        operation_id="isReady",
        operation_class=openapi.OpenOperation,
        summary="Is the service ready for requests?",
        responses=openapi.problems(NOT_READY),
    )
    async def ready(self, request: LedgerRequest) -> Response[Alive]:
        """Ready when the database answers at head, tokens can be checked and nobody said stop."""
        service = request.service
        if service.draining:
            raise problem(NOT_READY, "The service is shutting down.")
        if service.access is not None and not service.access.ready:
            raise problem(NOT_READY, "The keys of tokens could not be read from JWT_JWKS.")
        if not service.committer.alive:
            raise problem(NOT_READY, "Commands are no longer committed: restart the process.")
        if fault := await schema_fault(service.pool):
            raise problem(NOT_READY, fault)
        return Answer(Alive())

    @get(
        "/metrics",
        scope=None,
        operation_id="getMetrics",
        operation_class=openapi.OpenOperation,
        summary="Metrics for Prometheus",
        media_type=MediaType.TEXT,
        sync_to_thread=False,
    )
    def metrics(self, request: LedgerRequest) -> Response[bytes]:
        """The counters of all workers in the Prometheus text format."""
        metrics = request.service.metrics
        return Document(metrics.exposition(), metrics.content_type)
