"""What every answer must tell browsers and caches, whatever it answers."""

from typing import Final

import httpx

DATA: Final = "no-store"
PUBLIC: Final = "no-cache"
ASSET: Final = "max-age=3600, public"


async def check_confined(response: httpx.Response) -> None:
    """A response hook: the media type is to be believed, and no cache keeps a tenant's data."""
    if response.request.method == "OPTIONS":  # nothing in it
        return
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == expected(response)


def expected(response: httpx.Response) -> str:
    """What caches are to be told: the same for all is public, and anything else is data."""
    path = response.request.url.path
    if response.status_code >= httpx.codes.BAD_REQUEST:
        return DATA
    if path.startswith("/schema/assets/"):
        return ASSET
    return PUBLIC if path.startswith(("/schema/", "/schemas")) or path == "/schema" else DATA
