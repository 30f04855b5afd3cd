"""A SQLAlchemy Core statement compiled once to the text that asyncpg prepares."""

from collections.abc import Sequence
from typing import Any, Final, cast

from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT: Final[Dialect] = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # untyped there


class Query:
    """SQL text with numbered placeholders, and the names of the parameters in that order."""

    def __init__(self, statement: ClauseElement) -> None:
        compiled = cast("SQLCompiler", statement.compile(dialect=_DIALECT))
        self.text: Final = str(compiled)
        self.names: Final[Sequence[str]] = tuple(compiled.positiontup or ())
        self._constants: Final[dict[str, Any]] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def arguments(self, **values: object) -> list[object]:
        """The values in placeholder order; a constant of the statement needs none.

        Raises `KeyError` for a parameter without a value.
        """
        given = self._constants | values
        return [given[name] for name in self.names]
