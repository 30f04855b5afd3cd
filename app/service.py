"""What a running process consists of, and the request by which controllers reach it."""

from typing import TYPE_CHECKING, Any, Final, cast

import asyncpg
from litestar import Request
from litestar.datastructures import State
from litestar.enums import HttpMethod
from msgspec import Struct
from uuid_utils import uuid7

from app import as_of, bodies, fingerprint, headers, problems
from app.as_of import AsOf
from app.committer import Committer
from app.cursors import Cursors
from app.door import MOST_READ_BYTES, Door
from app.feed import Feed
from app.grant import Grant
from app.lines import PASSING
from app.metrics import Metrics
from app.problems import Problem, problem
from app.reads import Reads
from app.settings import Settings
from app.submission import Applied, Resource, Submission
from app.wakeups import Wakeups
from domain.decision import Command

if TYPE_CHECKING:
    from app.access import Access

MOST_BODY_BYTES: Final = 64 * 1024

_BODIES: Final = ("application/json",)
_PATCHES: Final = (*_BODIES, headers.MERGE_PATCH)


class Service(Struct, kw_only=True):
    """The parts of one process; `draining` is set once it is told to stop.

    Without `access` nobody is asked who he is.
    """

    settings: Settings
    pool: asyncpg.Pool
    committer: Committer
    reads: Reads
    feed: Feed
    wakeups: Wakeups
    cursors: Cursors
    metrics: Metrics
    door: Door
    access: "Access | None" = None
    draining: bool = False


class LedgerRequest(Request[Any, Any, State]):
    """A request to the ledger: strict about its body and headers, with the service at hand.

    `grant` is what the caller's token grants; None where nobody is asked for one.
    """

    grant: Grant | None = None
    _whole: bytes | None = None

    @property
    def service(self) -> Service:
        """The process's service."""
        return cast("Service", self.app.state["service"])

    @property
    def tenant_id(self) -> int:
        """The tenant that the request is about. Raises `Problem`."""
        return headers.tenant_id(self.scope["headers"])

    @property
    def as_of(self) -> AsOf | None:
        """The moment of the past that the request asks about, if any. Raises `Problem`.

        Not a parameter of the handlers: reads without a query, which is nearly all, would pay
        for looking.
        """
        if not self.scope["query_string"]:
            return None
        return as_of.parse(self.query_params.getall(as_of.NAME, []))

    async def body(self) -> bytes:
        """The whole body, read once. Raises `Problem` when it is too large.

        The rest of one that is too large is read as well, up to a limit: a client that is
        still sending would see a broken connection and not the answer that says why.

        One that is as long as was announced is whole. To be told that nothing follows would
        take another turn through the server's thread (docs/decisions/0009-cheaper-requests.md).
        """
        if self._whole is None:
            announced = headers.content_length(self.scope["headers"])
            whole, more, length = b"", announced != 0, 0
            while more and length <= MOST_READ_BYTES:
                message = await self.receive()
                if message["type"] != "http.request":
                    raise problem(problems.INVALID_REQUEST, "The body broke off.")
                length += len(message["body"])
                if length <= MOST_BODY_BYTES:
                    whole += message["body"]
                more = message.get("more_body", False) and length != announced
            if length > MOST_BODY_BYTES:
                raise problem(problems.BODY_TOO_LARGE, f"At most {MOST_BODY_BYTES} bytes.")
            self._whole = whole
        return self._whole

    async def json(self) -> Any:
        """The body as the type that the handler declares. Raises `Problem`."""
        # Read in any case, or it would be in the way of the connection's next request.
        body = await self.body()
        taken = _PATCHES if self.method == HttpMethod.PATCH else _BODIES
        if headers.media_type(self.scope["headers"]) not in taken:
            detail = f"Send the body as {' or '.join(taken)}."
            raise problem(problems.UNSUPPORTED_MEDIA_TYPE, detail)
        field = self.route_handler.parsed_data_field
        return bodies.decode(body, field.annotation if field else Struct)

    async def submit(
        self, command: Command, resource: Resource, resource_id: str | None = None
    ) -> Applied:
        """Have `command` committed and return what came of it.

        Without `resource_id` the command creates its resource. Raises `Problem` for a
        refusal and for whatever keeps the command from being committed.
        """
        if self._whole is None:  # no handler asked for a body: read in any case, as above
            await self.body()
        service, raw = self.service, self.scope["headers"]
        tenant_id = headers.tenant_id(raw)
        await self._must_exist(tenant_id)
        command_id, grant = str(uuid7()), self.grant
        path = {} if resource_id is None else {f"{resource}_id": resource_id}
        submission = Submission(
            tenant_id=tenant_id,
            command=command,
            command_id=command_id,
            resource=resource,
            resource_id=resource_id or f"{resource}-{command_id}",
            idempotency_key=headers.idempotency_key(raw),
            fingerprint=fingerprint.of_command(command, **path),
            expected_versions=None if resource_id is None else headers.expected_versions(raw),
            actor=None if grant is None else grant.subject,
            correlation_id=headers.correlation_id(raw),
            traceparent=headers.traceparent(raw),
        )
        try:
            outcome = await service.committer.submit(submission)
        except Problem as error:
            if error.document["type"] == problems.OVERLOADED.type:
                service.door.close(tenant_id)
            raise
        if isinstance(outcome, Applied):
            return outcome
        raise Problem(outcome.problem, replayed=outcome.duplicate)

    async def _must_exist(self, tenant_id: int) -> None:
        """Raise `Problem` for an unknown tenant.

        A connection that breaks is no answer to a command: the committer, which finds out
        about the tenant as well, goes on asking for as long as a command may wait.
        """
        try:
            await self.service.reads.must_exist(tenant_id)
        except TimeoutError:  # it has waited already
            raise
        except PASSING:
            pass
