"""Avro's binary encoding, compiled from a schema once: what fastavro does, in less time.

Of the types it knows those that the schemas of the events are made of. Values are plain: a
timestamp is its milliseconds, a UUID its text; decimals are `Decimal`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar

T = TypeVar("T")

Schema: TypeAlias = Any
Encode: TypeAlias = Callable[[Any], bytes]
"""The bytes of a value. Raises `ValueError` or `LookupError` for one of another type."""

Decode: TypeAlias = Callable[[bytes, int], tuple[Any, int]]
"""The value at a place in some bytes, and the place after it.

Raises `ValueError` or `LookupError` for what is no value. One that is cut short may come out
shorter: then the place after it is beyond the end.
"""

_NULL: Final = b"\x00"
_PRESENT: Final = b"\x02"  # the second branch of a union with null
_MORE: Final = 0x80  # of a number's bytes, those that another one follows
_SEVEN_BITS: Final = 0x7F


def encoder(schema: Schema) -> Encode:
    """What encodes values of `schema`, whose named types are all complete where they are used."""
    if isinstance(schema, str):
        return _ENCODERS[schema]
    match schema:
        case {"type": "record", "fields": fields}:
            return _record_encoder([_field(field, encoder) for field in fields])
        case {"type": "enum", "symbols": symbols}:
            return {symbol: encode_long(place) for place, symbol in enumerate(symbols)}.__getitem__
        case {"type": "bytes", "logicalType": "decimal", "precision": digits, "scale": scale}:
            return _decimal_encoder(digits, scale)
        case _:
            return _ENCODERS[schema["type"]]


def decoder(schema: Schema) -> Decode:
    """What decodes values of `schema`, as for `encoder`."""
    if isinstance(schema, str):
        return _DECODERS[schema]
    match schema:
        case {"type": "record", "fields": fields}:
            return _record_decoder([_field(field, decoder) for field in fields])
        case {"type": "enum", "symbols": symbols}:
            return _enum_decoder(symbols)
        case {"type": "bytes", "logicalType": "decimal", "scale": scale}:
            return _decimal_decoder(scale)
        case _:
            return _DECODERS[schema["type"]]


def encode_long(number: int) -> bytes:
    """A number in seven bits a byte; one that is not negative is doubled before."""
    rest = number << 1 if number >= 0 else ~(number << 1)
    if rest < _MORE:
        return bytes((rest,))
    written = bytearray()
    while rest >= _MORE:
        written.append(rest & _SEVEN_BITS | _MORE)
        rest >>= 7
    written.append(rest)
    return bytes(written)


def decode_long(content: bytes, at: int) -> tuple[int, int]:
    """The number at a place."""
    byte = content[at]
    at += 1
    number, shift = byte & _SEVEN_BITS, 7
    while byte >= _MORE:
        byte = content[at]
        at += 1
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
    return (number >> 1) ^ -(number & 1), at


_LENGTHS: Final = [encode_long(length) for length in range(4096)]


def _encode_bytes(value: bytes) -> bytes:
    length = len(value)
    return (_LENGTHS[length] if length < len(_LENGTHS) else encode_long(length)) + value


def _encode_text(value: str) -> bytes:
    return _encode_bytes(value.encode())


def _decode_bytes(content: bytes, at: int) -> tuple[bytes, int]:
    if (byte := content[at]) < _MORE:
        at += 1
        end = at + (byte >> 1)
    else:
        length, at = decode_long(content, at)
        end = at + length
    return content[at:end], end


def _decode_text(content: bytes, at: int) -> tuple[str, int]:
    if (byte := content[at]) < _MORE:
        at += 1
        end = at + (byte >> 1)
    else:
        length, at = decode_long(content, at)
        end = at + length
    return content[at:end].decode(), end


_ENCODERS: Final[dict[str, Encode]] = {
    "long": encode_long,
    "bytes": _encode_bytes,
    "string": _encode_text,
}
_DECODERS: Final[dict[str, Decode]] = {
    "long": decode_long,
    "bytes": _decode_bytes,
    "string": _decode_text,
}


def _field(field: dict[str, Any], compiled: Callable[[Schema], T]) -> tuple[str, bool, T]:
    """A field's name, whether it may be null, and what its values are encoded or decoded by."""
    match field["type"]:
        case ["null", other]:
            return field["name"], True, compiled(other)
        case list():
            raise ValueError(f"{field['name']}: only unions of null and one other are known")
        case schema:
            return field["name"], False, compiled(schema)


def _decimal_encoder(digits: int, scale: int) -> Encode:
    limit = 10**digits

    def encode_decimal(value: Decimal) -> bytes:
        scaled = value.scaleb(scale)
        number = int(scaled)
        if number != scaled or not -limit < number < limit:
            raise ValueError(f"{value} does not fit into {digits} digits with {scale} decimals")
        return _encode_bytes(number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True))

    return encode_decimal


def _decimal_decoder(scale: int) -> Decode:
    unit = Decimal(1).scaleb(-scale)

    def decode_decimal(content: bytes, at: int) -> tuple[Decimal, int]:
        value, at = _decode_bytes(content, at)
        return int.from_bytes(value, "big", signed=True) * unit, at

    return decode_decimal


def _enum_decoder(symbols: list[str]) -> Decode:
    def decode_enum(content: bytes, at: int) -> tuple[str, int]:
        place, at = decode_long(content, at)
        return symbols[place], at

    return decode_enum


def _record_encoder(fields: list[tuple[str, bool, Encode]]) -> Encode:
    def encode_record(record: dict[str, Any]) -> bytes:
        parts: list[bytes] = []
        for name, nullable, encode in fields:
            value = record[name]
            if nullable:
                if value is None:
                    parts.append(_NULL)
                    continue
                parts.append(_PRESENT)
            parts.append(encode(value))
        return b"".join(parts)

    return encode_record


def _record_decoder(fields: list[tuple[str, bool, Decode]]) -> Decode:
    def decode_record(content: bytes, at: int) -> tuple[dict[str, Any], int]:
        record: dict[str, Any] = {}
        for name, nullable, decode in fields:
            if nullable:
                branch = content[at]
                at += 1
                if branch == _NULL[0]:
                    record[name] = None
                    continue
                if branch != _PRESENT[0]:
                    raise ValueError(f"{name} is of branch {branch >> 1} of a union of two")
            record[name], at = decode(content, at)
        return record, at

    return decode_record
