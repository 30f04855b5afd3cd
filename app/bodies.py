"""JSON bodies: strictly decoded, exactly, with an error that names the field."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from json import JSONDecoder
from typing import Any, Final, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.json import Decoder

from app import problems
from app.problems import FieldError
from domain.errors import InvalidField
from domain.fields import RULES

CommandT = TypeVar("CommandT", bound=Struct)

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_AT: Final = re.compile(r"^(?P<reason>.*) - at `\$\.(?P<field>[^`]+)`$", re.DOTALL)
_LONGEST_QUOTED: Final = 160  # characters of a request that its refusal repeats
_NAMED: Final = re.compile(r"^Object (?P<reason>.*) field `(?P<field>[^`]+)`$", re.DOTALL)


class _Repeated(ValueError):
    """A JSON object has the same member twice."""


def decode(body: bytes, kind: type[CommandT]) -> CommandT:
    """The command in `body`. Raises `Problem`, which names the field at fault.

    Numbers never pass through float. Beyond msgspec's own checks no member may come twice
    (the last would win silently), and an amount given as a string must be a plain ASCII
    number.
    """
    try:
        command: CommandT = _decoder(kind).decode(body)
        if _is_plain(body, kind):
            return command
        members = _MEMBERS.decode(body.decode())
    except msgspec.ValidationError as error:
        raise problems.of_fields([_field_error(error)]) from error
    except _Repeated as error:
        raise problems.of_fields([_member_error("must be given once", str(error))]) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else "not valid JSON"
        raise problems.of_fields([FieldError(reason, "#")]) from error
    for name in _amounts(kind):
        value = members.get(name)
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            raise problems.of_fields([FieldError("must be a plain number", f"#/{name}")])
    return command


def _is_plain(body: bytes, kind: type[Struct]) -> bool:
    """Whether it is plain to see that no member comes twice and no amount is a string.

    As in nearly all bodies, which need not be read a second time then: without an escape a
    member's name stands in it as it is, and unknown members have been refused already.
    """
    names, amounts_in_quotes = _marks(kind)
    for name in names:
        if body.count(name) > 1:
            return False
    return b"\\" not in body and not (amounts_in_quotes and amounts_in_quotes.search(body))


@cache
def _marks(kind: type[Struct]) -> "tuple[Sequence[bytes], re.Pattern[bytes] | None]":
    commands = [part for part in get_args(kind) if part is not type(None)] or [kind]
    names = {name.encode() for part in commands for name in part.__struct_encode_fields__}
    amounts = b"|".join(name.encode() for name in _amounts(kind))
    in_quotes = re.compile(rb'"(?:%b)"\s*:\s*"' % amounts) if amounts else None
    return [b'"%b"' % name for name in names], in_quotes


@cache
def _decoder(kind: type[CommandT]) -> Decoder[CommandT]:
    return Decoder(kind)


@cache
def _amounts(kind: type[Struct]) -> Sequence[str]:
    # A body that may be left out is declared as a union with None.
    commands = [part for part in get_args(kind) if part is not type(None)] or [kind]
    hints = {name: hint for part in commands for name, hint in get_type_hints(part).items()}
    return [name for name, hint in hints.items() if hint in {Decimal, Decimal | None}]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return members


_MEMBERS: Final = JSONDecoder(object_pairs_hook=_once, parse_float=str, parse_int=str)


def _field_error(error: msgspec.ValidationError) -> FieldError:
    if isinstance(error.__cause__, InvalidField):
        return FieldError(error.__cause__.reason, f"#/{error.__cause__.field}")
    message = str(error)
    if at := _AT.match(message):
        return FieldError(reason_of(at["reason"]), "#/" + at["field"].replace(".", "/"))
    if named := _NAMED.match(message):
        reason = "is required" if "missing" in named["reason"] else "is not known here"
        return _member_error(reason, named["field"])
    return FieldError(reason_of(message), "#")


def _member_error(reason: str, member: str) -> FieldError:
    if len(member) > _LONGEST_QUOTED:  # cut, its pointer would be that of another
        return FieldError(f"a member whose name has {len(member)} characters {reason}", "#")
    pointer = "#/" + member.replace("~", "~0").replace("/", "~1")  # RFC 6901
    return FieldError(reason, pointer)


def reason_of(message: str) -> str:
    """What is wrong with a value, from msgspec's message; a pattern is told in words.

    The message may quote the value, of which no more is repeated than serves to find it.
    """
    for pattern, rule in RULES.items():
        if message.endswith(f"matching regex {pattern!r}"):
            return rule
    if len(message) > _LONGEST_QUOTED:
        message = f"{message[:_LONGEST_QUOTED]}…"
    return message[:1].lower() + message[1:]
