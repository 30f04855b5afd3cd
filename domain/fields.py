"""The types and checks of the fields that commands share."""

from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from domain import money
from domain.errors import InvalidField

# Identifiers are path segments and text in PostgreSQL: no control characters (NUL kills an
# INSERT), no slash, no U+FFFD (which different broken bytes in a path all decode to), and
# neither "." nor "..", which clients resolve away.
# `$` alone would let a final newline pass.
IDENTIFIER: Final = r"^(?!\.{1,2}$)[^\x00-\x1f\x7f-\x9f/\ufffd]+$(?!\n)"
LONGEST_IDENTIFIER: Final = 128
TEXT: Final = r"^[^\x00]*$"
# One line: lists on a terminal print it as it is.
LINE: Final = r"^[^\x00-\x1f\x7f-\x9f]+$(?!\n)"
# A label of a domain name (RFC 1123), as it may become part of a host's.
LABEL: Final = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$(?!\n)"

# What a value that does not match is told.
RULES: Final = {
    IDENTIFIER: "must have no control character, slash or U+FFFD, and not be . or ..",
    TEXT: "must have no NUL character",
    LINE: "must have no control character",
    LABEL: "must be lower case letters, digits and dashes, with no dash at either end",
}

Identifier: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=LONGEST_IDENTIFIER,
        pattern=IDENTIFIER,
        description="1 to 128 characters, without control characters, slashes and U+FFFD.",
    ),
]
Reason: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=500, pattern=TEXT, description="Free text for the record.")
]


def settle_amount(command: Struct, field: str, value: Decimal, above: Decimal = money.ZERO) -> None:
    """Write `value` back to the frozen command in the money scale.

    Raises `InvalidField` when it is not an exact amount greater than `above`.
    """
    if reason := money.fault(value, above):
        raise InvalidField(field, reason)
    force_setattr(command, field, money.exact(value))
