"""Requests that name what may be another tenant's, for every method of every path."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple

import httpx

from tests.app.api.documented import STREAM, media_type_of
from tests.app.api.operations import BODIES, COMMANDS, OF_TENANTS, READS, Operation
from tests.app.api.things import OF_PARAMETERS, Things
from tests.conftest import Client

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PING: Final = ":\n\n"
"""What a stream sends when there is nothing to tell."""

_KEY: Final = "Idempotency-Key"


class Named(NamedTuple):
    """Something that is named in a parameter: where, under which name, and what it is."""

    place: str
    name: str
    thing: str


class Asking(NamedTuple):
    """A request with what it names beside what every such request needs."""

    method: str
    template: str
    named: tuple[Named, ...]
    body: dict[str, object] | None = None
    is_read: bool = False
    is_command: bool = False

    def __str__(self) -> str:
        what = " and ".join(f"{each.name} {each.thing}" for each in self.named)
        return f"{self.method} {self.template} with their {what or 'nothing'}"

    @property
    def things(self) -> set[str]:
        """What it names."""
        return {each.thing for each in self.named}

    @property
    def is_read_of_one(self) -> bool:
        """Whether it reads what one thing in its path is, or has."""
        return self.is_read and [each.place for each in self.named] == ["path"]

    @property
    def moves_own(self) -> bool:
        """Whether it moves something of the caller's own, which then is not what it was."""
        names_nothing = all(each.place != "path" for each in self.named)
        return self.is_command and "{" in self.template and names_nothing

    def of(self, place: str, things: Things) -> dict[str, str]:
        """What it names in one place, by the names of the parameters."""
        return {each.name: things[each.thing] for each in self.named if each.place == place}


def askings() -> Iterator[Asking]:
    """For each operation nothing, every single thing that it can name, and all of them at once.

    Also every two that its query can name, and the ids in each path under every method that it
    does not have.
    """
    for operation in sorted(OF_TENANTS, key=lambda each: each.method):  # reads go first
        single = list(_nameable(operation))
        together = {each.name: each for each in single}.values()
        pairs = combinations([each for each in single if each.place == "query"], 2)
        two = [pair for pair in pairs if pair[0].name != pair[1].name]
        for named in [(), *((each,) for each in single), *two, tuple(together)]:
            yield _asking(operation, named)
    for template in sorted({each.template for each in OF_TENANTS}):
        ids = [each for each in _paths(template) if each.place == "path"]
        known = {each.method for each in OF_TENANTS if each.template == template}
        for method in METHODS if ids else ():
            if method not in known:
                yield Asking(method, template, tuple(ids))


def _asking(operation: Operation, named: tuple[Named, ...]) -> Asking:
    return Asking(
        operation.method,
        operation.template,
        named,
        BODIES.get(operation.id),
        is_read=operation in READS,
        is_command=operation in COMMANDS,
    )


def _nameable(operation: Operation) -> Iterator[Named]:
    for place in ("path", "query", "header"):
        for name in operation.parameters(place):
            for thing in OF_PARAMETERS[name]:
                yield Named(place, name, thing)
    if "user_id" in BODIES.get(operation.id, ()):
        yield Named("body", "user_id", "user_id")


def _paths(template: str) -> Iterator[Named]:
    for operation in OF_TENANTS:
        if operation.template == template:
            yield from _nameable(operation)
            return


def credential(client: Client) -> Things:
    """What a caller says of himself, as headers."""
    return {"X-Tenant-Id": str(client.tenant_id)}


async def ask(
    client: Client, asking: Asking, own: Things, things: Things, key: str
) -> httpx.Response:
    """Make the request as a tenant; what it does not name is the tenant's `own`."""
    path = asking.template.format(**{**own, **asking.of("path", things)})
    headers = {**credential(client), **asking.of("header", things)}
    if asking.is_command:
        headers.setdefault(_KEY, key)
    body = None if asking.body is None else {**asking.body, **asking.of("body", things)}
    request = client.http.build_request(
        asking.method, path, params=asking.of("query", things), headers=headers, json=body
    )
    return await answer_to(client.http, request)


async def answer_to(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """The answer; of a stream what it sends until there is nothing to tell."""
    answer = await http.send(request, stream=True)
    if media_type_of(answer) != STREAM:
        await answer.aread()
        return answer
    text = ""
    async for more in answer.aiter_text():
        text += more
        if text.endswith(PING):
            break
    await answer.aclose()
    return httpx.Response(answer.status_code, headers=answer.headers, text=text, request=request)
