"""Schemas: the Avro schemas of the events, as consumers fetch them."""

from typing import Any

from litestar import Controller, Response
from msgspec import Raw, Struct

from app import avro_schemas, headers, openapi, problems
from app.answers import NOT_MODIFIED, PublicAnswer
from app.handlers import get
from app.paths import PathId
from app.service import LedgerRequest


class ListedSchema(Struct, frozen=True):
    """A schema by its name; `fingerprint` is the SHA-256 of what `url` answers, and its ETag."""

    name: str
    fingerprint: str
    url: str


class RecordSchema(Struct, frozen=True):
    """An Avro schema of a record; nested types are complete where they are used first."""

    type: str
    name: str
    namespace: str
    doc: str
    fields: list[dict[str, Any]]


class SchemaController(Controller):
    """The outward contract of the log; it is the same for every tenant, so it needs none."""

    path = "/schemas"
    tags = ("Schemas",)

    @get(
        scope=None,
        operation_id="listSchemas",
        operation_class=openapi.OpenOperation,
        summary="List the Avro schemas",
        sync_to_thread=False,
    )
    def all(self) -> Response[list[ListedSchema]]:
        """The schema of each stream of events."""
        return PublicAnswer(
            [
                ListedSchema(document.name, document.fingerprint, f"/schemas/{document.name}")
                for document in avro_schemas.documents().values()
            ]
        )

    @get(
        "/{name:str}",
        scope=None,
        operation_id="getSchema",
        operation_class=openapi.OpenTaggedRead,
        summary="Read an Avro schema",
        sync_to_thread=False,
        responses={
            NOT_MODIFIED: openapi.NOT_MODIFIED,
            **openapi.problems(problems.INVALID_REQUEST, problems.NOT_FOUND),
        },
    )
    def one(self, request: LedgerRequest, name: PathId) -> Response[RecordSchema]:
        """The schema of one stream's events, complete in itself."""
        document = avro_schemas.documents().get(name)
        if document is None:
            raise problems.problem(problems.NOT_FOUND, f"There is no schema {name!r}.")
        tag = {"ETag": f'"{document.fingerprint}"'}
        if headers.is_unmodified(request.scope["headers"], tag["ETag"]):
            return PublicAnswer(None, status_code=NOT_MODIFIED, headers=tag)
        return PublicAnswer(Raw(document.text), headers=tag)
