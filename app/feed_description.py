"""What the OpenAPI description says of the feed: its forms, its link, where a stream resumes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Parameter,
    Schema,
)

from app import examples, feed
from app.openapi import TenantOperation

_TEXT: Final = Schema(type=OpenAPIType.STRING)
_CLOUDEVENT: Final = Schema(
    title="CloudEvent",
    type=OpenAPIType.OBJECT,
    properties={
        **dict.fromkeys(examples.CLOUDEVENT, _TEXT),
        "specversion": Schema(type=OpenAPIType.STRING, enum=["1.0"]),
        "id": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.UUID),
        "time": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
        "data": Schema(type=OpenAPIType.OBJECT),
    },
    required=list(examples.CLOUDEVENT),
)
_FORMS: Final = {
    feed.CLOUDEVENTS.media_type: OpenAPIMediaType(
        schema=Schema(type=OpenAPIType.ARRAY, items=_CLOUDEVENT), example=[examples.CLOUDEVENT]
    ),
    feed.AVRO.media_type: OpenAPIMediaType(
        schema=Schema(
            type=OpenAPIType.STRING,
            format=OpenAPIFormat.BINARY,
            description="An Avro object container, with the schema of its events in its header.",
        ),
        example="Obj\u0001…",
    ),
}
_LINK: Final = OpenAPIHeader(description='The next page, `rel="next"`.', schema=_TEXT)
_LAST_EVENT_ID: Final = Parameter(
    name="Last-Event-ID",
    param_in="header",
    description="The position of the last event received; goes before `after`.",
    schema=Schema(type=OpenAPIType.INTEGER, minimum=0, examples=[1]),
)


@dataclass
class FeedRead(TenantOperation):
    """A read of a page of the feed, in one of several forms."""

    def __post_init__(self) -> None:
        super().__post_init__()
        answer = (self.responses or {})["200"]
        if isinstance(answer, OpenAPIResponse):
            answer.content = {**(answer.content or {}), **_FORMS}
            answer.headers = {**(answer.headers or {}), "Link": _LINK}


@dataclass
class FeedStream(TenantOperation):
    """A stream of the feed, which can be resumed."""

    headers: ClassVar[Sequence[Parameter]] = (*TenantOperation.headers, _LAST_EVENT_ID)
