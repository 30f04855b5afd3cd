"""Money: what is an amount, how products are rounded."""

from decimal import Decimal

import pytest

from domain import money


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param("0.0001", None, id="the-smallest"),
        pytest.param("9999999999999999.9999", None, id="the-largest"),
        pytest.param("1.10000", None, id="trailing-zeros"),
        pytest.param("1E+3", None, id="exponent"),
        pytest.param("NaN", "must be a number", id="nan"),
        pytest.param("sNaN", "must be a number", id="signalling-nan"),
        pytest.param("Infinity", "must be a number", id="infinity"),
        pytest.param("-Infinity", "must be a number", id="minus-infinity"),
        pytest.param("0", "must be greater than 0", id="zero"),
        pytest.param("-0", "must be greater than 0", id="minus-zero"),
        pytest.param("-0.0001", "must be greater than 0", id="negative"),
        pytest.param("0.00001", "must have at most 4 decimals", id="five-decimals"),
        pytest.param("1E-400", "must have at most 4 decimals", id="400-decimals"),
        pytest.param("10000000000000000", "must not exceed 9999999999999999.9999", id="17-digits"),
        pytest.param(
            "9999999999999999.99991", "must not exceed 9999999999999999.9999", id="just-too-large"
        ),
        pytest.param("1E+400", "must not exceed 9999999999999999.9999", id="400-digits"),
    ],
)
def test_a_fault_says_what_keeps_a_value_from_being_an_amount(
    value: str, fault: str | None
) -> None:
    assert money.fault(Decimal(value)) == fault


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param("1.0001", None, id="above"),
        pytest.param("1.0000", "must be greater than 1", id="equal"),
        pytest.param("0.9999", "must be greater than 1", id="below"),
    ],
)
def test_a_bound_other_than_zero_is_exclusive_too(value: str, fault: str | None) -> None:
    assert money.fault(Decimal(value), above=Decimal(1)) == fault


@pytest.mark.parametrize("value", ["1", "1.1", "1.10000", "1E+3", "9999999999999999.9999"])
def test_an_exact_amount_is_equal_and_has_four_decimals(value: str) -> None:
    amount = money.exact(Decimal(value))
    assert amount == Decimal(value)
    assert amount.as_tuple().exponent == -4


@pytest.mark.parametrize(
    ("amount", "factor", "product"),
    [
        pytest.param("0.0001", "2.5000", "0.0002", id="half-goes-down-to-even"),
        pytest.param("0.0001", "1.5000", "0.0002", id="half-goes-up-to-even"),
        pytest.param("0.0001", "2.5001", "0.0003", id="above-half-goes-up"),
        pytest.param("0.0001", "2.4999", "0.0002", id="below-half-goes-down"),
        pytest.param(
            "9999999999999999.9999",
            "9999999999999999.9999",
            "99999999999999999998000000000000.0000",
            id="forty-digits",
        ),
    ],
)
def test_a_product_is_rounded_once_half_even(amount: str, factor: str, product: str) -> None:
    assert money.times(Decimal(amount), Decimal(factor)) == Decimal(product)
