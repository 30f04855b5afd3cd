"""JSON with exact decimals, as the requirements have them: numbers, and never floats."""

from typing import Final

from msgspec.json import Encoder

ENCODER: Final = Encoder(decimal_format="number")
