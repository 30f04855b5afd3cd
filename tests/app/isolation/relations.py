"""What a statement reads from: relations, and whose rows each of them holds.

A label stands for one tenant, or for the tenant of each row: `$1` for the one in a parameter,
any other for that of a row somewhere. Columns that are equal share their labels.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sqlglot import exp

Labels: TypeAlias = frozenset[str]
NONE: Final[Labels] = frozenset()
SENT: Final = "sent"
"""How the labels begin of rows that are all in a parameter, each with its tenant."""


class Catalog(NamedTuple):
    """The columns of each table; `passing` are those of one session, which its end drops."""

    columns: Mapping[str, Sequence[str]]
    passing: frozenset[str] = frozenset()

    def tenant_column(self, table: str) -> str | None:
        """The column that says whose a row of the table is; None for a table of nobody's."""
        if table == "tenants":
            return "id"
        return "tenant_id" if "tenant_id" in self.columns.get(table, ()) else None


class Output(NamedTuple):
    """What a query gives: its columns in order, with the labels of those that hold a tenant.

    `common` are the labels of all its rows; None if they are nobody's.
    """

    columns: Sequence[tuple[str, Labels]]
    common: Labels | None


class Relation:
    """A table, a query or a function that is read from, under its name.

    `own` is the column that has to be bound, of a table; `content` are the labels of the rows, of
    a query. With neither the rows are nobody's. `columns` is None where they are not known.
    """

    def __init__(
        self,
        name: str,
        columns: Sequence[str] | None,
        *,
        own: str | None = None,
        content: Labels | None = None,
    ) -> None:
        self.name = name
        self.columns = columns
        self.own = own
        self.labels: Final[defaultdict[str, set[str]]] = defaultdict(set)
        self._content = content
        self._given: list[str] = []

    def give(self, column: str, labels: Labels) -> None:
        """Say that a column holds these tenants, whatever it is compared with."""
        if labels:
            self._given.append(column)
            self.labels[column] |= labels

    @property
    def held(self) -> Labels | None:
        """The labels of the relation's rows; empty if nothing is known, None if nobody's."""
        if self.own is not None:
            return frozenset(self.labels[self.own])
        if self._content is None:
            return None
        return self._content.union(*(self.labels[column] for column in self._given))


def of_function(source: exp.Expr, label: str) -> Relation:
    """The rows of a function; those of parameters alone are the caller's, tenant and all."""
    names = names_of(source)
    is_of_caller = not any(source.find_all(exp.Column, exp.Query))
    own = "tenant_id" if is_of_caller and "tenant_id" in names else None
    relation = Relation(source.alias_or_name, names or None, own=own)
    if is_of_caller:
        relation.give("tenant_id", frozenset({label}))
    return relation


def names_of(source: exp.Expr) -> list[str]:
    """The names that a source's alias gives its columns."""
    alias = source.args.get("alias")
    columns: list[exp.Expr] = (alias.args.get("columns") if alias else None) or []
    return [column.name for column in columns]


def of_output(
    name: str, output: Output, known: Labels, names: Sequence[str], mark: str
) -> Relation:
    """A query as a relation: its labels are its own, but for parameters and those `known` outside.

    `names` go before the names of its columns; `mark` tells it from others of its name.
    """
    content = None if output.common is None else _renamed(output.common, known, mark)
    columns = [*names, *(column for column, _ in output.columns[len(names) :])]
    relation = Relation(name, columns, content=content)
    for column, (_, labels) in zip(columns, output.columns, strict=False):
        relation.give(column, _renamed(labels, known, mark))
    return relation


def _renamed(labels: Labels, known: Labels, mark: str) -> Labels:
    return frozenset(
        label if label in known or label.startswith("$") else f"{mark} {label}" for label in labels
    )


def united(first: Output, second: Output, label: str) -> Output:
    """What both queries give together; what one does not bind, neither does."""
    columns = [
        (name, _both(here, there, label))
        for (name, here), (_, there) in zip(first.columns, second.columns, strict=False)
    ]
    if first.common is None or second.common is None:
        return Output(columns, first.common if second.common is None else second.common)
    return Output(columns, _both(first.common, second.common, label))


def _both(first: Labels, second: Labels, label: str) -> Labels:
    if not first or not second:
        return NONE
    return frozenset({label, *(each for each in first & second if each.startswith("$"))})


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that all have to hold for `condition` to."""
    if isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    elif isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    elif condition is not None:
        yield condition


def bare(expression: exp.Expr) -> exp.Expr:
    """The expression without parentheses, casts and names, none of which changes whose it is."""
    while isinstance(expression, exp.Paren | exp.Cast | exp.Alias | exp.ArrayAgg):
        expression = expression.this
    return expression
