"""Statements with one thing less that keeps them to their tenants."""

from collections.abc import Callable, Iterator
from typing import Final

from sqlglot import exp

from tests.app.isolation.relations import Catalog, bare

CHANGES: Final[dict[str, Callable[[exp.Expr], exp.Expr]]] = {
    "dropped": lambda _: exp.true(),
    "loosened": lambda predicate: exp.or_(predicate.copy(), exp.true()),
    "turned round": lambda predicate: exp.not_(predicate.copy()),
    "compared with itself": lambda predicate: exp.EQ(
        this=predicate.this.copy(), expression=predicate.this.copy()
    ),
}


def mutants(statement: exp.Expr, catalog: Catalog) -> Iterator[str]:
    """Make each mutant of `statement` out of it in turn, and say which it is now.

    It is as it was before at the end, and between one mutant and the next.
    """
    for predicate in list(predicates(statement)):
        for name, change in CHANGES.items():
            mutated = change(predicate)
            predicate.replace(mutated)
            yield f"{predicate.sql('postgres')} {name}"
            mutated.replace(predicate)
    for insert in statement.find_all(exp.Insert):
        into = insert.find(exp.Table)
        own = catalog.tenant_column(into.name) if into else None
        if own is not None:
            yield from _strange_rows(insert, own)


def predicates(statement: exp.Expr) -> Iterator[exp.Expr]:
    """The comparisons of tenants by which rows are chosen.

    Not those on which two relations are fully joined: they leave no row out, so that they are no
    wall, and both sides need one of their own.
    """
    named = {
        table.alias_or_name for table in statement.find_all(exp.Table) if table.name == "tenants"
    }
    for compared in statement.find_all(exp.EQ, exp.In):
        sides = (compared.this, compared.args.get("expression"))
        chooses = compared.find_ancestor(
            exp.Where, exp.Join, exp.Select, exp.OnConflict, exp.Update
        )
        if isinstance(chooses, exp.Join) and chooses.side == "FULL":
            continue
        if isinstance(chooses, exp.Where | exp.Join) and any(_is_tenant(s, named) for s in sides):
            yield compared


def _is_tenant(side: exp.Expr | None, named: set[str]) -> bool:
    column = bare(side) if side else None
    if not isinstance(column, exp.Column):
        return False
    return column.name == "tenant_id" or (column.name == "id" and column.table in named)


def _strange_rows(insert: exp.Insert, own: str) -> Iterator[str]:
    """Rows of a tenant that is made up, and rows that replace those of any."""
    names = [each.name for each in insert.this.expressions]
    source = insert.expression
    for rows in source.find_all(exp.Tuple) if isinstance(source, exp.Values) else [source]:
        given = rows.expressions[names.index(own)]
        strange = exp.Literal.number(10001)
        given.replace(strange)
        yield f"{own} of {insert.this.this.name} made up"
        strange.replace(given)
    conflict = insert.args.get("conflict")
    if conflict and conflict.args["action"].name == "DO UPDATE":
        keys = conflict.args["conflict_keys"]
        conflict.set("conflict_keys", [key for key in keys if bare(key.this).name != own])
        yield f"conflicts of {insert.this.this.name} looked for in all tenants"
        conflict.set("conflict_keys", keys)
