"""The request headers that the service reads, taken from the raw list."""

import re
from collections.abc import Iterable
from typing import Final

from app import problems
from app.problems import FieldError, problem

RawHeaders = Iterable[tuple[bytes, bytes]]

# RFC 7396: members that are there replace those of the resource.
MERGE_PATCH: Final = "application/merge-patch+json"

_TENANT_ID: Final = re.compile(rb"[1-9][0-9]{0,18}")
_LARGEST_TENANT_ID: Final = 2**63 - 1
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_ENTITY_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(r"[1-9][0-9]{0,18}")
_ID: Final = re.compile(rb"[\x21-\x7e]{1,128}")
# Trace id, parent id, flags; the first two are not all zeros. Versions after 00 may go on
# after a dash, which is kept up to 128 characters in all; ff is no version.
_SPAN: Final = rb"(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_TRACEPARENT: Final = re.compile(
    rb"00-%b|(?!00|ff)[0-9a-f]{2}-%b(?:-[\x21-\x7e]{0,72})?" % (_SPAN, _SPAN)
)
_POSITION: Final = re.compile(rb"[0-9]{1,19}")
_LARGEST_POSITION: Final = 2**63 - 1


def tenant_id(headers: RawHeaders) -> int:
    """The tenant: a positive int64 in plain digits, given once. Raises `Problem`."""
    values = [value for name, value in headers if name == b"x-tenant-id"]
    if not values:
        raise problem(problems.MISSING_TENANT, "Say with X-Tenant-Id whose data it is about.")
    if len(values) > 1:
        raise problem(problems.INVALID_TENANT, "X-Tenant-Id must be given once.")
    number = int(values[0]) if _TENANT_ID.fullmatch(values[0]) else 0
    if not 0 < number <= _LARGEST_TENANT_ID:
        raise problem(
            problems.INVALID_TENANT, f"X-Tenant-Id must be 1 to {_LARGEST_TENANT_ID}, in digits."
        )
    return number


def bearer_tokens(headers: RawHeaders) -> list[bytes]:
    """What every Authorization header of the scheme Bearer carries; its name has no case."""
    given = [value.partition(b" ") for name, value in headers if name == b"authorization"]
    return [token.strip() for scheme, _, token in given if scheme.lower() == b"bearer"]


def idempotency_key(headers: RawHeaders) -> str:
    """The key of a command, bare or as a structured-field string. Raises `Problem`.

    `abc` and `"abc"` are one key (RFC 9651 strings, as the Idempotency-Key draft has it).
    """
    values = [value for name, value in headers if name == b"idempotency-key"]
    if not values or not values[0].strip():
        raise problem(problems.MISSING_KEY, "Every command needs an Idempotency-Key of its own.")
    if len(values) > 1:
        raise problem(problems.INVALID_KEY, "Idempotency-Key must be given once.")
    key = values[0].strip().decode("latin-1")
    if quoted := _QUOTED.fullmatch(key):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    if not _KEY.fullmatch(key):
        raise problem(problems.INVALID_KEY, "Idempotency-Key must be 1 to 255 printable ASCII.")
    return key


def expected_versions(headers: RawHeaders) -> frozenset[int] | None:
    """The versions that If-Match allows, or None if it allows any (RFC 9110, 13.1.1).

    The comparison is strong: a weak tag allows nothing, nor does a tag that is not ours.
    """
    given = _list(headers, b"if-match")
    if given is None or given.strip() == "*":
        return None
    return frozenset(
        int(tag) for weak, tag in _ENTITY_TAG.findall(given) if not weak and _VERSION.fullmatch(tag)
    )


def is_unmodified(headers: RawHeaders, etag: str) -> bool:
    """Whether If-None-Match names `etag`, by weak comparison (RFC 9110, 13.1.2)."""
    given = _list(headers, b"if-none-match")
    if given is None:
        return False
    return given.strip() == "*" or any(f'"{tag}"' == etag for _, tag in _ENTITY_TAG.findall(given))


def media_type(headers: RawHeaders) -> str:
    """What the body is said to be, in lower case and without parameters; empty if nothing."""
    for name, value in headers:
        if name == b"content-type":
            return value.partition(b";")[0].strip().lower().decode("latin-1")
    return ""


def content_length(headers: RawHeaders) -> int | None:
    """How long the body is, if the caller announced it; the server has checked the number."""
    for name, value in headers:
        if name == b"content-length":
            return int(value)
    return None


def correlation_id(headers: RawHeaders) -> str | None:
    """The caller's X-Correlation-Id, if it is 1 to 128 visible ASCII characters."""
    return _id(headers, b"x-correlation-id")


def request_id(headers: RawHeaders) -> str | None:
    """The caller's X-Request-Id, if it is 1 to 128 visible ASCII characters."""
    return _id(headers, b"x-request-id")


def traceparent(headers: RawHeaders) -> str | None:
    """The caller's span as W3C Trace Context writes it; None if it is malformed or given twice."""
    given: bytes | None = None
    for name, value in headers:
        if name == b"traceparent":
            if given is not None:
                return None
            given = value
    return given.decode() if given is not None and _TRACEPARENT.fullmatch(given) else None


def _id(headers: RawHeaders, wanted: bytes) -> str | None:
    for name, value in headers:
        if name == wanted and _ID.fullmatch(value):
            return value.decode()
    return None


def last_event_id(headers: RawHeaders) -> int | None:
    """The position in Last-Event-ID, if one is given. Raises `Problem` when it is none."""
    for name, value in headers:
        if name == b"last-event-id" and value:
            position = int(value) if _POSITION.fullmatch(value) else -1
            if not 0 <= position <= _LARGEST_POSITION:
                detail = f"must be a position, 0 to {_LARGEST_POSITION}, in digits"
                raise problems.of_fields([FieldError(detail, "Last-Event-ID")])
            return position
    return None


def _list(headers: RawHeaders, wanted: bytes) -> str | None:
    values = [value.decode("latin-1") for name, value in headers if name == wanted]
    return ", ".join(values) if values else None
