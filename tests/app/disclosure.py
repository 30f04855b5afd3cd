"""What an answer must not tell a caller: how the service is made, and where it runs."""

import re
import sys
from pathlib import Path
from typing import Final

import httpx

from projections import EVENT_TABLES, PROJECTIONS

ROOT: Final = Path(__file__).parents[2]
TABLES: Final = (
    *(table.name for table in EVENT_TABLES.values()),
    *(projection.table.name for projection in PROJECTIONS),
    *("tenant_heads", "idempotency_keys", "alembic_version"),
)

_SQL: Final = (
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|VALUES|BEGIN|COMMIT|RETURNING|LOCK)\b"
)
_DATABASE: Final = (
    r"(?i)\b(?:sql|sqlstate|relation|column|constraint|violates|syntax|transaction|asyncpg"
    r"|sqlalchemy|postgres\w*|pg_\w+|dsn|backend)\b"
)
_CODE: Final = (
    r"(?i)traceback|\bexception\b|\b\w+error\(|line \d+|\.py\b|\.so\b|\bpython\b|site-packages"
    r"|litestar|msgspec|0x[0-9a-f]{6,}|<\w+ object|errno"
)
_PATH: Final = r"(?<![\w/:.])/(?:bin|etc|home|lib|opt|private|proc|root|run|tmp|srv|usr|var)/"
_TELLING: Final = [re.compile(each) for each in (_SQL, _DATABASE, _CODE, _PATH, *TABLES)]
_PLACES: Final = {str(ROOT), sys.prefix, str(Path.home())} - {"/"}


def disclosed(answer: httpx.Response) -> list[str]:
    """Whatever in the body or the headers of a failure is none of the caller's business."""
    # The server names itself, and everybody knows.
    headers = [value for name, value in answer.headers.items() if name != "server"]
    told = "\n".join([answer.text, *headers])
    found = [match[0] for telling in _TELLING if (match := telling.search(told))]
    return found + [place for place in _PLACES if place in told]
