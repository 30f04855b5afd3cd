"""Identifiers as path parameters."""

from typing import Annotated, TypeAlias

from litestar.params import PathParameter

from domain.fields import IDENTIFIER, LONGEST_IDENTIFIER
from domain.tenant import LARGEST_ID

# Litestar checks what the parameter says and drops what msgspec.Meta says on the type.
PathId: TypeAlias = Annotated[
    str, PathParameter(min_length=1, max_length=LONGEST_IDENTIFIER, pattern=IDENTIFIER)
]
PathTenantId: TypeAlias = Annotated[int, PathParameter(ge=1, le=LARGEST_ID)]
