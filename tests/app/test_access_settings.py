"""The settings of access: what is refused at the start, and what is said."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from app.access_settings import AccessUnclear, check_access
from app.settings import Settings
from tests.app.api.tokens import (
    AUDIENCE,
    ISSUER,
    SECRET,
    WITH_SECRET,
    WITH_TOKENS,
    bearer,
    issuer,
    key_set,
    token,
)
from tests.app.processes import free_port, run, serving

URL: Final = "https://issuer.test/keys.json"
TOKENS: Final = {"AUTH": "jwt", "JWT_AUDIENCE": AUDIENCE, "JWT_ISSUER": ISSUER}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "127.0.0.1"},
        {"host": "127.8.9.10"},
        {"host": "::1"},
        {"host": "localhost"},
        {"host": "LOCALHOST"},
        {"host": "0.0.0.0", "auth_none_anywhere": "yes"},  # noqa: S104 - what it is about
        {"host": "0.0.0.0"} | WITH_SECRET,  # noqa: S104 - as above
        {"host": "::"} | WITH_TOKENS | {"jwt_jwks": URL},
    ],
)
def test_settings_that_go_together_are_taken(settings: dict[str, Any]) -> None:
    check_access(Settings(**settings))


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "::2", "10.0.0.1", "192.168.1.5", "stakebook.test", "localhost.test"],  # noqa: S104 - as above
)
def test_without_tokens_others_are_not_let_in(host: str) -> None:
    with pytest.raises(AccessUnclear) as caught:
        check_access(Settings(host=host))
    for said in (host, "AUTH=jwt", "HOST=127.0.0.1", "AUTH_NONE_ANYWHERE=yes"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"auth": "jwt"}, "JWT_AUDIENCE"),
        (WITH_SECRET | {"jwt_audience": None}, "JWT_AUDIENCE"),
        (WITH_SECRET | {"jwt_issuer": None}, "JWT_ISSUER"),
        (WITH_TOKENS, "JWT_JWKS"),
        (WITH_SECRET | {"jwt_jwks": URL}, "JWT_JWKS"),
        (WITH_SECRET | {"jwt_secret": "-----BEGIN PUBLIC KEY-----\n" + "A" * 40}, "JWT_SECRET"),
        (WITH_SECRET | {"auth": "none"}, "AUTH=none"),
        ({"jwt_secret": SECRET}, "JWT_SECRET"),
        ({"jwt_jwks": URL}, "JWT_JWKS"),
        ({"jwt_audience": AUDIENCE}, "JWT_AUDIENCE"),
        ({"jwt_issuer": ISSUER}, "JWT_ISSUER"),
    ],
)
def test_settings_that_leave_access_open_are_refused_by_name(
    settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(AccessUnclear) as caught:
        check_access(Settings(**settings))
    assert named in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"HOST": "0.0.0.0"}, "AUTH_NONE_ANYWHERE"),  # noqa: S104 - as above
        ({"AUTH": "jwt"}, "JWT_AUDIENCE"),
        ({"JWT_SECRET": SECRET}, "AUTH=none"),
        (TOKENS | {"JWT_SECRET": "short"}, "JWT_SECRET"),
        (TOKENS | {"JWT_JWKS": "/no/such/file.json"}, "JWT_JWKS"),
        (TOKENS | {"JWT_JWKS": __file__}, "JWT_JWKS"),
    ],
)
@pytest.mark.parametrize("command", ["serve", "check"])
async def test_a_start_is_refused_in_one_line_that_names_the_setting(
    database: str, command: str, environment: dict[str, str], named: str
) -> None:
    refused = await run(command, DATABASE_URL=database, PORT=str(free_port()), **environment)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(r"stakebook: [^\n]+\n", refused.stderr), refused.stderr
    assert named in refused.stderr
    assert "short" not in refused.stderr


async def test_who_asks_nobody_says_so_at_the_start(database: str) -> None:
    async with serving(DATABASE_URL=database) as service:
        assert (await service.client.place_bet()).status_code == 201
    assert "nobody is asked who he is" in service.said


async def test_who_asks_for_tokens_listens_anywhere(database: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(key_set([issuer()])))
    environment = TOKENS | {"JWT_JWKS": str(tmp_path / "keys.json"), "WORKERS": "2"}
    async with serving(DATABASE_URL=database, HOST="0.0.0.0", **environment) as service:  # noqa: S104 - as above
        assert (await service.client.place_bet()).status_code == 401
        for _ in range(10):
            given = bearer(issuer().token())
            assert (await service.client.get("/events", headers=given)).status_code == 200
            given = bearer(token())
            assert (await service.client.get("/events", headers=given)).status_code == 401
    assert "bearer token" in service.said
    assert "nobody is asked" not in service.said
