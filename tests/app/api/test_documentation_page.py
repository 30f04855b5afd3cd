"""The pages that describe the API: what browsers let them do, and that it is enough for them."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import httpx
import pytest

from app.pages import content_security_policy
from tests.app.api.confined import ASSET
from tests.conftest import Client

PAGES = ("/schema", "/schema/", "/schema/swagger")
ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js")
CONFINED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING = {
    "default-src": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'none'"],
}


class Page(HTMLParser):
    """What a page holds that a policy has to allow."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inline: list[tuple[str, str]] = []
        self.loaded: list[tuple[str, str]] = []
        self.in_attributes: list[str] = []
        self._element: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.in_attributes += [name for name in given if name == "style" or name.startswith("on")]
        self.loaded += [(tag, url) for name in ("src", "href") if (url := given.get(name))]
        self._element = tag if tag in {"script", "style"} and "src" not in given else None

    def handle_data(self, data: str) -> None:
        if self._element is not None:
            self.inline.append((self._element, data))

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._element = None


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    """The sources that the policy of an answer allows, by directive."""
    directives = answer.headers["Content-Security-Policy"].split("; ")
    allowed = {name: sources for name, *sources in (each.split() for each in directives)}
    assert len(allowed) == len(directives)
    return allowed


def hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_its_own_scripts_alone_and_calls_the_service_alone(
    client: Client, path: str
) -> None:
    answer = await client.http.get(path)
    page, policy = Page(answer.text), policy_of(answer)
    assert {kind for kind, _ in page.inline} == {"script", "style"}
    assert policy == NOTHING | {
        f"{kind}-src": [
            "'self'",
            *(hashed(text) for element, text in page.inline if element == kind),
        ]
        for kind in ("script", "style")
    } | {"img-src": ["data:"], "connect-src": ["'self'"]}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_needs_nothing_that_its_policy_forbids(client: Client, path: str) -> None:
    page = Page((await client.http.get(path)).text)
    assert page.in_attributes == []
    assert page.loaded == [
        ("link", "data:,"),
        *(
            ("link" if name.endswith(".css") else "script", f"/schema/assets/{name}")
            for name in ASSETS
        ),
    ]


def test_a_script_in_the_page_is_allowed_for_what_it_holds() -> None:
    script = "run()\nstop()"
    page = f"<style>p {{}}</style><script src='/a.js'></script><script async>{script}</script>"
    policy = content_security_policy(page.encode())
    assert f"script-src 'self' {hashed(script)};" in policy
    assert f"style-src 'self' {hashed('p {}')};" in policy


@pytest.mark.parametrize("path", [*PAGES, "/schema/openapi.json", f"/schema/assets/{ASSETS[0]}"])
async def test_a_page_is_not_framed_and_tells_nobody_where_it_leads_from(
    client: Client, path: str
) -> None:
    answer = await client.http.get(path)
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in CONFINED} == CONFINED
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert policy_of(answer).items() >= NOTHING.items()


@pytest.mark.parametrize("name", ASSETS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_page_loads_may_do_nothing_by_itself(
    client: Client, name: str, method: str
) -> None:
    answer = await client.http.request(method, f"/schema/assets/{name}")
    assert answer.status_code == 200
    assert policy_of(answer) == NOTHING
    assert answer.headers["Cache-Control"] == ASSET


async def test_there_is_no_page_for_sign_in_redirects(client: Client) -> None:
    assert (await client.http.get("/schema/oauth2-redirect.html")).status_code == 404
