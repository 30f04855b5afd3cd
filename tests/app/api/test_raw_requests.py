"""Requests that no client library would send: paths that lead outside, headers cut in two."""

import json
from typing import Final

import httpx
import pytest

from app.pages import ASSETS
from tests.app.api.operations import OF_TENANTS
from tests.app.api.payloads import INJECTED
from tests.app.api.raw import raw
from tests.conftest import Client, bet_body

PREFIXES: Final = ("/schema/assets/", "/schema/", "/schemas/", "/problems/", "/")
# Steps up, as they are and as somebody on the way may have written them.
STEPS: Final = (
    "../",
    "..%2f",
    "..%2F",
    "%2e%2e/",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "....//",
    "..;/",
    "%c0%ae%c0%ae/",
    "%uff0e%uff0e/",
    ".%00./",
    "swagger-ui.css/../../",
    "bet_event/../../",
)
# Files that are there: beside the assets and the schemas, above them, and at the top.
TARGETS: Final = ("__init__.py", "core.py", "pyproject.toml", "released/1/bet_event.avsc")
ABSOLUTE: Final = (
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "file:///etc/passwd",
    str(ASSETS / "swagger-ui.css"),
    "~root/.profile",
    "C:\\Windows\\win.ini",
)
OWN: Final = (
    *("/schema", "/schema/", "/schema/swagger", "/schema/openapi.json"),
    *("/schemas", "/schemas/bet_event", "/problems"),
)
CUTS: Final = (b"\r", b"\n", b"\0", b"\r\n ", b"\x0b", b"\xe2\x80\xa8", b"\xc4\x8d\xc4\x8a")
STRANGE: Final = ("", ".", "%2e", "%00", "swagger-ui.css%00", "swagger-ui.css%00.js", "*", "?", "#")


def tails() -> list[str]:
    """What is appended to each prefix."""
    climbed = [step * depth + target for step in STEPS for depth in (1, 2) for target in TARGETS]
    far = [step * 16 + "etc/passwd" for step in STEPS]
    return [*climbed, *far, *ABSOLUTE, *STRANGE]


async def test_no_path_leads_out_of_what_is_served(
    client: Client, subtests: pytest.Subtests
) -> None:
    served = {path.read_bytes() for path in ASSETS.iterdir()}
    for path in OWN:
        own = await client.http.get(path)
        assert own.status_code == httpx.codes.OK
        served.add(own.content)
    for prefix in PREFIXES:
        with subtests.test(prefix):
            for tail in tails():
                answer = await raw(client, (prefix + tail).encode())
                if answer.status == httpx.codes.OK.value:
                    assert answer.body in served, tail
                else:
                    assert answer.status in {400, 404}, tail


async def test_a_target_with_its_host_leads_no_further(client: Client) -> None:
    for host in ("http://stakebook", "http://127.0.0.1:1", "file://"):
        answer = await raw(client, f"{host}/schema/assets/../__init__.py".encode())
        assert answer.status in {400, 404}


async def test_a_header_cannot_be_cut_in_two(client: Client, subtests: pytest.Subtests) -> None:
    names = {name for each in OF_TENANTS for name in each.parameters("header")}
    body = json.dumps(bet_body()).encode()
    said = {"X-Tenant-Id": "10001", "Idempotency-Key": "once", "Content-Type": "application/json"}
    for name in sorted(names | said.keys() | {"Accept", "If-None-Match"}):
        for cut in CUTS:
            with subtests.test(f"{name} {cut!r}"):
                value = b"a%b%b: 1" % (cut, INJECTED.encode())
                lines = {**{key: value.encode() for key, value in said.items()}, name: value}
                for method, target in (
                    (b"POST", b"/bets"),
                    (b"GET", b"/bets/none"),
                    (b"GET", b"/"),
                ):
                    answer = await raw(client, target, lines, body, method=method)
                    assert answer.status < httpx.codes.INTERNAL_SERVER_ERROR
                    assert INJECTED.lower() not in answer.headers
                    assert answer.whole.count(b"HTTP/1.1 ") == 1
