"""Statements as they were heard, made ready to be looked at."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import sqlglot
from asyncpg import introspection
from sqlglot import exp

from tests.app.isolation.relations import Catalog
from tests.app.ledger import Connection

# What concerns the session or the transaction as a whole, and no table.
_OF_THE_SESSION: Final = re.compile(
    r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|LISTEN|UNLISTEN|RESET|SET transaction_timeout)"
    r"\b[^;]*;?"
)
# What the driver asks about types, of the tables of PostgreSQL itself.
_OF_THE_DRIVER: Final = {text for text in vars(introspection).values() if isinstance(text, str)}
# What sqlglot takes for something else: `$1,$` for a quotation mark, options without WITH.
_MISTAKEN: Final = ((re.compile(r"(\$\d+)"), r"\1 "), (re.compile(r"STDIN \("), "STDIN WITH ("))
_COLUMNS: Final = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name
"""


def parsed(text: str) -> Sequence[exp.Expr]:
    """The statements in `text`, but for the session's and the driver's own.

    Raises what sqlglot raises.
    """
    if _OF_THE_SESSION.fullmatch(text) or text in _OF_THE_DRIVER:
        return ()
    for pattern, clearer in _MISTAKEN:
        text = pattern.sub(clearer, text)
    return [each for each in sqlglot.parse(text, dialect="postgres") if each is not None]


async def catalog(connection: Connection, texts: Iterable[str]) -> Catalog:
    """The tables of the database, and the temporary ones that statements make."""
    found = await connection.fetch(_COLUMNS)
    kept = {row["table_name"]: row["columns"] for row in found}
    passing = dict(_temporary(texts))
    return Catalog(kept | passing, frozenset(passing))


def _temporary(texts: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for text in texts:
        if "TEMPORARY" not in text:
            continue
        for create in parsed(text):
            if isinstance(create, exp.Create) and create.find(exp.TemporaryProperty):
                columns = [each.name for each in create.find_all(exp.ColumnDef)]
                if query := create.args.get("expression"):
                    columns = query.named_selects
                yield next(create.find_all(exp.Table)).name, columns
