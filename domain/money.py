"""Money: exact decimals with four places, NUMERIC(20,4) in the database."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

DECIMALS: Final = 4
UNIT: Final = Decimal(1).scaleb(-DECIMALS)
LIMIT: Final = Decimal("9999999999999999.9999")
ZERO: Final = Decimal("0.0000")

# Odds times stake of two full-width amounts needs 40 digits; the default context has 28.
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)

_NOT_FINITE: Final = "must be a number"
_TOO_LARGE: Final = f"must not exceed {LIMIT}"
_TOO_FINE: Final = f"must have at most {DECIMALS} decimals"


def fault(value: Decimal, above: Decimal = ZERO) -> str | None:
    """Say what keeps `value` from being an amount greater than `above`, or None."""
    if not value.is_finite():
        return _NOT_FINITE
    if value <= above:
        return f"must be greater than {above.normalize():f}"
    if value > LIMIT:
        return _TOO_LARGE
    if value.quantize(UNIT) != value:
        return _TOO_FINE
    return None


def exact(value: Decimal) -> Decimal:
    """`value` with its four decimals written out; `value` must have no more than that."""
    return value.quantize(UNIT)


def times(amount: Decimal, factor: Decimal) -> Decimal:
    """The product, rounded half-even to the money scale."""
    return _EXACT.multiply(amount, factor).quantize(UNIT, context=_EXACT)
