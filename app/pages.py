"""The pages that describe the API, confined to what they need."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import litestar_offline_docs
from litestar import Request, Response, Router
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.static_files import (
    create_static_files_router,  # pyright: ignore[reportUnknownVariableType]  # generic there
)

from app import response_headers

PATH: Final = "/schema"
# Served from the package: the pages work without internet.
ASSETS: Final = Path(litestar_offline_docs.__file__).parent / "static"
ASSETS_PATH: Final = f"{PATH}/assets"
_ASSETS_SECONDS: Final = 3600  # Litestar compares no ETag of a file: each load sends 3.5 MB

_CONFINED: Final = response_headers.SNIFF_NOTHING | {
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_INLINE: Final = re.compile(rb"<(script|style)(?![^>]*\ssrc=)[^>]*>(.*?)</\1>", re.DOTALL)


class DocumentationPage(SwaggerRenderPlugin):
    """Swagger UI without the page for OAuth redirects, which nothing here needs."""

    def receive_router(self, router: Router) -> None:
        """Add no further page."""


PAGE: Final = DocumentationPage(
    js_url=f"{ASSETS_PATH}/swagger-ui-bundle.js",
    css_url=f"{ASSETS_PATH}/swagger-ui.css",
    standalone_preset_js_url=f"{ASSETS_PATH}/swagger-ui-standalone-preset.js",
    favicon="<link rel='icon' href='data:,'>",
    path=["/", "/swagger"],
)


def content_security_policy(page: bytes) -> str:
    """What `page` may do: run its own scripts, and call the service that it came from."""
    allowed: dict[bytes, list[str]] = {b"script": ["'self'"], b"style": ["'self'"]}
    for kind, inline in _INLINE.findall(page):
        allowed[kind].append(f"'sha256-{b64encode(sha256(inline).digest()).decode()}'")
    sources = [f"{kind.decode()}-src {' '.join(given)}" for kind, given in allowed.items()]
    return "; ".join([_NOTHING, *sources, "img-src data:", "connect-src 'self'"])


def _confine_page(response: Response[Any]) -> Response[Any]:
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException  # instead of Litestar's own page, so that a problem is answered
    policy = content_security_policy(response.content)
    response.headers.update(
        response_headers.OF_PUBLIC | _CONFINED | {"Content-Security-Policy": policy}
    )
    return response


def _confine_asset(response: Response[Any]) -> Response[Any]:
    response.headers.update(_CONFINED | {"Content-Security-Policy": _NOTHING})
    return response


def router() -> Router:
    """The routes of the pages, to which Litestar adds them."""
    return Router(PATH, route_handlers=[], include_in_schema=False, after_request=_confine_page)


def assets() -> Router:
    """The routes of the files that the pages load."""
    return create_static_files_router(
        path=ASSETS_PATH,
        directories=[ASSETS],
        include_in_schema=False,
        cache_control=CacheControlHeader(public=True, max_age=_ASSETS_SECONDS),
        before_request=_refuse_nul,
        after_request=_confine_asset,
    )


def _refuse_nul(request: Request[Any, Any, Any]) -> None:
    """No file has such a name, and asking the system for it raises what nobody handles."""
    if "\0" in request.scope["path"]:
        raise NotFoundException
