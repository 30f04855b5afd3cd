"""The settings: their defaults, how each is read, and what is refused."""

from pathlib import Path

import pytest

from app.origins import Origins
from app.settings import InvalidSetting, Settings

VALID: dict[str, tuple[str, object]] = {
    "DATABASE_URL": ("postgresql://db/stakebook", "postgresql://db/stakebook"),
    "DATA_DIR": ("/var/lib/stake book", Path("/var/lib/stake book")),
    "HOST": ("::", "::"),
    "PORT": ("65535", 65535),
    "WORKERS": ("4", 4),
    "LOG_FORMAT": ("json", "json"),
    "LOG_LEVEL": ("warning", "warning"),
    "POOL_SIZE": ("2", 2),
    "BATCH_LIMIT": ("1", 1),
    "QUEUE_LIMIT": ("1000000", 1_000_000),
    "COMMANDS_PER_SECOND": ("0.001", 0.001),
    "READS_PER_SECOND": ("1000000", 1_000_000.0),
    "BURST_SECONDS": ("3600", 3600),
    "CACHED_TENANTS": ("1", 1),
    "CACHED_ROWS": ("1", 1),
    "CACHED_USERS": ("1", 1),
    "COMMAND_TIMEOUT_SECONDS": ("0.5", 0.5),
    "STATEMENT_TIMEOUT_SECONDS": ("86400", 86_400.0),
    "DRAIN_SECONDS": ("0", 0.0),
    "STOP_SECONDS": ("300", 300),
    "KEY_HOURS": ("0.5", 0.5),
    "PRUNE_INTERVAL_HOURS": ("24", 24.0),
    "FEED_FOLLOWERS": ("1024", 1024),
    "FEED_PING_SECONDS": ("0.5", 0.5),
    "CURSOR_SECRET": ("s" * 32, "s" * 32),
    "CORS_ORIGINS": ("https://a.example", Origins("https://a.example")),
    "AUTH": ("jwt", "jwt"),
    "AUTH_NONE_ANYWHERE": ("yes", "yes"),
    "JWT_JWKS": ("https://issuer.test/keys", "https://issuer.test/keys"),
    "JWT_JWKS_SECONDS": ("60", 60.0),
    "JWT_SECRET": ("s" * 32, "s" * 32),
    "JWT_AUDIENCE": ("stakebook", "stakebook"),
    "JWT_ISSUER": ("https://issuer.test", "https://issuer.test"),
    "JWT_LEEWAY_SECONDS": ("0", 0.0),
}
DEFAULTS: dict[str, object] = {
    "database_url": None,
    "data_dir": Path(".stakebook"),
    "host": "127.0.0.1",
    "port": 8000,
    "workers": 1,
    "log_format": "auto",
    "log_level": "info",
    "pool_size": 8,
    "batch_limit": 256,
    "queue_limit": 1024,
    "commands_per_second": None,
    "reads_per_second": None,
    "burst_seconds": 10,
    "cached_tenants": 256,
    "cached_rows": 4096,
    "cached_users": 8192,
    "command_timeout_seconds": 8.0,
    "statement_timeout_seconds": 5.0,
    "drain_seconds": 0.0,
    "stop_seconds": 9,
    "key_hours": 48.0,
    "prune_interval_hours": 6.0,
    "feed_followers": 512,
    "feed_ping_seconds": 15.0,
    "cursor_secret": None,
    "cors_origins": Origins(),
    "auth": "none",
    "auth_none_anywhere": "no",
    "jwt_jwks": None,
    "jwt_jwks_seconds": 300.0,
    "jwt_secret": None,
    "jwt_audience": None,
    "jwt_issuer": None,
    "jwt_leeway_seconds": 30.0,
}


def values(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


def test_nothing_has_to_be_set() -> None:
    assert values(Settings.from_environment({})) == DEFAULTS


@pytest.mark.parametrize("name", VALID)
def test_each_setting_is_read_from_its_variable(name: str) -> None:
    text, value = VALID[name]
    read = values(Settings.from_environment({name: text}))
    assert read == DEFAULTS | {name.lower(): value}
    assert type(read[name.lower()]) is type(value)


def test_every_setting_is_in_the_table_above() -> None:
    assert [name.lower() for name in VALID] == list(DEFAULTS) == list(Settings.__struct_fields__)


@pytest.mark.parametrize("name", VALID)
def test_an_empty_variable_counts_as_not_set(name: str) -> None:
    assert values(Settings.from_environment({name: ""})) == DEFAULTS


def test_other_variables_are_left_alone() -> None:
    assert values(Settings.from_environment({"port": "1", "PORTS": "x", "PGHOST": "y"})) == DEFAULTS


def test_the_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (text, _) in VALID.items():
        monkeypatch.setenv(name, text)
    expected = {name.lower(): value for name, (_, value) in VALID.items()}
    assert values(Settings.from_environment()) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("PORT", "-1"),
        ("PORT", " "),
        ("WORKERS", "0"),
        ("WORKERS", "65"),
        ("WORKERS", "many"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "INFO!"),
        ("POOL_SIZE", "1"),
        ("POOL_SIZE", "101"),
        ("BATCH_LIMIT", "0"),
        ("BATCH_LIMIT", "1025"),
        ("QUEUE_LIMIT", "0"),
        ("QUEUE_LIMIT", "1000001"),
        ("COMMANDS_PER_SECOND", "0"),
        ("COMMANDS_PER_SECOND", "1000001"),
        ("COMMANDS_PER_SECOND", "nan"),
        ("READS_PER_SECOND", "0.0009"),
        ("READS_PER_SECOND", "many"),
        ("BURST_SECONDS", "0"),
        ("BURST_SECONDS", "1.5"),
        ("BURST_SECONDS", "3601"),
        ("CACHED_TENANTS", "0"),
        ("CACHED_ROWS", "none"),
        ("CACHED_USERS", "0"),
        ("COMMAND_TIMEOUT_SECONDS", "0"),
        ("COMMAND_TIMEOUT_SECONDS", "nan"),
        ("STATEMENT_TIMEOUT_SECONDS", "-1"),
        ("STATEMENT_TIMEOUT_SECONDS", "86401"),
        ("STATEMENT_TIMEOUT_SECONDS", "5s"),
        ("DRAIN_SECONDS", "-0.1"),
        ("DRAIN_SECONDS", "301"),
        ("DRAIN_SECONDS", "nan"),
        ("STOP_SECONDS", "0"),
        ("STOP_SECONDS", "301"),
        ("STOP_SECONDS", "0.5"),
        ("KEY_HOURS", "0"),
        ("KEY_HOURS", "inf"),
        ("KEY_HOURS", "two days"),
        ("KEY_HOURS", "100001"),
        ("PRUNE_INTERVAL_HOURS", "0"),
        ("PRUNE_INTERVAL_HOURS", "1001"),
        ("PRUNE_INTERVAL_HOURS", "nan"),
        ("FEED_FOLLOWERS", "0"),
        ("FEED_FOLLOWERS", "1025"),
        ("FEED_PING_SECONDS", "0"),
        ("FEED_PING_SECONDS", "nan"),
        ("CURSOR_SECRET", "s" * 31),
        ("CORS_ORIGINS", "https://a.example/"),
        ("CORS_ORIGINS", "*,https://a.example"),
        ("AUTH", "basic"),
        ("AUTH", "JWT"),
        ("AUTH_NONE_ANYWHERE", "true"),
        ("JWT_JWKS_SECONDS", "0"),
        ("JWT_SECRET", "s" * 31),
        ("JWT_LEEWAY_SECONDS", "-1"),
        ("JWT_LEEWAY_SECONDS", "61"),
        ("JWT_LEEWAY_SECONDS", "nan"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment({"HOST": "0.0.0.0", name: value})  # noqa: S104
    message = str(caught.value)
    assert message.startswith((f"{name}={value!r} ", "CURSOR_SECRET ", "JWT_SECRET "))
    assert message.endswith(f"Correct or unset {name}.")
    assert "\n" not in message
    assert "`$`" not in message


@pytest.mark.parametrize("name", ["CURSOR_SECRET", "JWT_SECRET"])
def test_a_secret_that_is_refused_is_not_printed(name: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment({name: "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_settings_do_not_show_their_secrets() -> None:
    given = {"CURSOR_SECRET": "hunter2" * 5, "DATABASE_URL": "postgresql://app:letmein@db/app"}
    shown = repr(Settings.from_environment(given | {"PORT": "8123"}))
    assert "port=8123" in shown
    assert "hunter2" not in shown
    assert "letmein" not in shown
