"""The settings of the service, all from the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias, get_type_hints

import msgspec
from msgspec import Meta, Struct

from app.complaint import Complaint
from app.origins import Origins

Port: TypeAlias = Annotated[int, Meta(ge=1, le=65535)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000)]
Rate: TypeAlias = Annotated[float, Meta(ge=0.001, le=1_000_000)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=86_400)]
Secret: TypeAlias = Annotated[str, Meta(min_length=32)]

_SECRETS: Final = frozenset({"CURSOR_SECRET", "DATABASE_URL", "JWT_SECRET"})  # never printed


class InvalidSetting(Complaint):
    """An environment variable holds a value that the setting does not take."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        given = name if name in _SECRETS else f"{name}={value!r}"
        super().__init__(f"{given} is not usable: {reason}. Correct or unset {name}.")


class Settings(Struct, frozen=True, kw_only=True, rename=str.upper):
    """Every setting, named as its variable in lower case; docs/settings.md explains each."""

    database_url: str | None = None
    data_dir: Path = Path(".stakebook")
    host: str = "127.0.0.1"
    port: Port = 8000
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    log_format: Literal["auto", "readable", "json"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: Annotated[int, Meta(ge=2, le=100)] = 8
    batch_limit: Annotated[int, Meta(ge=1, le=1024)] = 256
    queue_limit: Count = 1024
    commands_per_second: Rate | None = None
    reads_per_second: Rate | None = None
    burst_seconds: Annotated[int, Meta(ge=1, le=3_600)] = 10
    cached_tenants: Count = 256
    cached_rows: Count = 4096
    cached_users: Count = 8192
    command_timeout_seconds: Seconds = 8.0
    statement_timeout_seconds: Seconds = 5.0
    drain_seconds: Annotated[float, Meta(ge=0, le=300)] = 0.0
    stop_seconds: Annotated[int, Meta(ge=1, le=300)] = 9
    key_hours: Annotated[float, Meta(gt=0, le=100_000)] = 48.0
    prune_interval_hours: Annotated[float, Meta(gt=0, le=1_000)] = 6.0
    feed_followers: Annotated[int, Meta(ge=1, le=1024)] = 512
    feed_ping_seconds: Annotated[float, Meta(gt=0, le=300)] = 15.0
    cursor_secret: Secret | None = None
    cors_origins: Origins = Origins()
    auth: Literal["none", "jwt"] = "none"
    auth_none_anywhere: Literal["yes", "no"] = "no"
    jwt_jwks: str | None = None
    jwt_jwks_seconds: Seconds = 300.0
    jwt_secret: Secret | None = None
    jwt_audience: str | None = None
    jwt_issuer: str | None = None
    jwt_leeway_seconds: Annotated[float, Meta(ge=0, le=60)] = 30.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environment`, by default the process's.

        An empty variable counts as not set. Raises `InvalidSetting`.
        """
        source = os.environ if environment is None else environment
        given: dict[str, Any] = {
            field: _parsed(variable, source[variable], _TYPES[field])
            for field, variable in _VARIABLES.items()
            if source.get(variable)
        }
        return cls(**given)

    def __repr__(self) -> str:
        """The settings without the values of secrets, wherever they may be printed."""
        shown = {
            field: "…" if variable in _SECRETS else getattr(self, field)
            for field, variable in _VARIABLES.items()
        }
        return f"Settings({', '.join(f'{field}={value!r}' for field, value in shown.items())})"


_TYPES: Final = get_type_hints(Settings, include_extras=True)
_VARIABLES: Final = {field: field.upper() for field in Settings.__struct_fields__}


def _parsed(variable: str, value: str, kind: object) -> object:
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_read)
    except msgspec.ValidationError as error:
        reason = str(error).removesuffix(" - at `$`")
        raise InvalidSetting(variable, value, reason[0].lower() + reason[1:]) from error


def _read(kind: type[Any], value: Any) -> Any:
    """What is neither text nor a number: a path, origins."""
    return kind(value)
