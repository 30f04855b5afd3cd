"""How many follow a log, as the service itself counts them."""

import re

from tests.app.locks import until
from tests.conftest import Client

_GAUGE = re.compile(r"^stakebook_feed_followers (\d+)", re.MULTILINE)


async def followers(client: Client) -> int:
    """How many streams are open and requests wait, in all workers together."""
    found = _GAUGE.search((await client.http.get("/metrics")).text)
    return int(found[1]) if found else 0


async def until_followed(client: Client, by: int) -> None:
    """Go on once so many follow."""

    async def reached() -> bool:
        return await followers(client) == by

    await until(reached)
