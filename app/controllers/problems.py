"""Problems: what the `type` of a problem stands for."""

from typing import Final

from litestar import Controller, Response
from msgspec import Struct

from app import openapi, problems
from app.answers import Answer
from app.handlers import get
from app.paths import PathId


class ProblemKind(Struct, frozen=True):
    """A kind of problem; `type`, `title`, `status` and `error` are the same each time."""

    type: str
    title: str
    status: int
    error: str


_KINDS: Final = {
    kind.slug: ProblemKind(kind.type, kind.title, kind.status, kind.error or kind.title)
    for kind in problems.KINDS
}


class ProblemController(Controller):
    """The registry that the types of problems resolve to; it needs no tenant."""

    path = "/problems"
    tags = ("Problems",)

    @get(
        scope=None,
        operation_id="listProblems",
        operation_class=openapi.OpenOperation,
        summary="List the kinds of problems",
        sync_to_thread=False,
    )
    def all(self) -> Response[list[ProblemKind]]:
        """Every kind of problem that the service answers with."""
        return Answer(list(_KINDS.values()))

    @get(
        "/{slug:str}",
        scope=None,
        operation_id="getProblem",
        operation_class=openapi.OpenOperation,
        summary="Read a kind of problem",
        sync_to_thread=False,
        responses=openapi.problems(problems.INVALID_REQUEST, problems.NOT_FOUND),
    )
    def one(self, slug: PathId) -> Response[ProblemKind]:
        """What a problem of this type says."""
        if slug not in _KINDS:
            raise problems.problem(problems.NOT_FOUND, f"There is no kind of problem {slug!r}.")
        return Answer(_KINDS[slug])
