"""The feed: a tenant's log for those who follow it."""

from typing import Annotated, Final, TypeAlias
from urllib.parse import urlencode

from litestar import Controller, Response
from litestar.params import QueryParameter

from app import feed, headers, openapi
from app.accept import chosen
from app.answers import Document, FeedPage
from app.controllers.events import MOST_EVENTS, EventLimit, Position
from app.event_stream import EventStream
from app.feed import Form, Page
from app.feed_description import FeedRead, FeedStream
from app.follower import following
from app.handlers import get
from app.problems import NOT_ACCEPTABLE, OVERLOADED
from app.service import LedgerRequest

LONGEST_WAIT_SECONDS: Final = 30

Wait: TypeAlias = Annotated[
    int,
    QueryParameter(
        ge=0,
        le=LONGEST_WAIT_SECONDS,
        description="Seconds to wait for the next event if there is none yet.",
    ),
]

_FORMS: Final = {form.media_type: form for form in (feed.EVENTS, feed.CLOUDEVENTS, feed.AVRO)}
_PROBLEMS: Final = (*openapi.OF_READS, NOT_ACCEPTABLE, OVERLOADED)


class FeedController(Controller):
    """Every event of a tenant once and in order, for those who keep their own position."""

    path = "/feed"
    tags = ("Events",)

    @get(
        scope="audit:read",
        operation_id="getFeed",
        summary="Read on in the tenant's log",
        operation_class=FeedRead,
        responses=openapi.problems(*_PROBLEMS),
    )
    async def page(
        self,
        request: LedgerRequest,
        after: Position = 0,
        limit: EventLimit = MOST_EVENTS,
        wait: Wait = 0,
    ) -> Response[FeedPage]:
        """The events after a position, in the form that Accept asks for.

        Go on with `next`, or with the Link to the next page, which every form has. An empty page
        means that there is no event yet.
        """
        media_type = chosen(request.scope["headers"], tuple(_FORMS))
        await request.service.reads.must_exist(request.tenant_id)
        page = await _page(request, _FORMS[media_type], after, limit, wait)
        onward = urlencode({"after": page.next, "limit": limit, "wait": wait})
        link = f'</feed?{onward}>; rel="next"'
        return Document(page.body, media_type, {"Link": link, "Vary": "Accept"})

    @get(
        "/stream",
        scope="audit:read",
        operation_id="followFeed",
        summary="Follow the tenant's log",
        media_type=feed.MESSAGES.media_type,
        operation_class=FeedStream,
        responses=openapi.problems(*_PROBLEMS),
    )
    async def stream(self, request: LedgerRequest, after: Position = 0) -> Response[str]:
        """The events after a position and all that come, as server-sent events without end.

        The id of a message is the position of its event. Who is cut off comes back with the
        last one as Last-Event-ID, which goes before `after`, and misses nothing. A stream ends
        when its token does.
        """
        chosen(request.scope["headers"], (feed.MESSAGES.media_type,))
        tenant_id = request.tenant_id
        await request.service.reads.must_exist(tenant_id)
        last = headers.last_event_id(request.scope["headers"])
        return EventStream(
            request.service, tenant_id, after if last is None else last, request.grant
        )


async def _page(request: LedgerRequest, form: Form, after: int, limit: int, wait: int) -> Page:
    service, tenant_id = request.service, request.tenant_id
    if not wait:
        return await service.feed.page(form, tenant_id, after=after, limit=limit)
    async with following(service, request.receive, form, tenant_id, after) as follower:
        page = await follower.page(limit, wait)
    return page or form.page((), after)
