"""What the OpenAPI description says of the registry of tenants."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from litestar.openapi.spec import Parameter, RequestBody

from app.headers import MERGE_PATCH
from app.openapi import OF_ACCESS, REQUEST_ID, OpenOperation
from app.problems import (
    BODY_TOO_LARGE,
    INTERNAL,
    INVALID_REQUEST,
    TENANT_EXISTS,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
)

OF_READS: Final = (*OF_ACCESS, INVALID_REQUEST, INTERNAL, UNAVAILABLE)
OF_BODIES: Final = (*OF_READS, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, TENANT_EXISTS)


@dataclass
class RegistryOperation(OpenOperation):
    """An operation on tenants as such, for which none is named in a header."""

    headers: ClassVar[Sequence[Parameter]] = (REQUEST_ID,)


@dataclass
class RegistryChange(RegistryOperation):
    """One whose body, a merge patch, may say so or be called JSON."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.request_body, RequestBody):
            content = self.request_body.content
            content[MERGE_PATCH] = content["application/json"]
