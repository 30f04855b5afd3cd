"""Whether a statement binds every table of tenants that it names to those it was given.

Each such table, wherever it stands, must have its tenant compared with a parameter, with an array
of them, or with the tenant of another relation that is bound; and what is joined must be joined
on the tenant, so that a statement for several of them does not mix them. A row that is written
must take its tenant from there as well; rows that are sent as a set must be of tenants that the
statement has found, such as those whose heads it holds. What is not understood is a fault.
"""

from collections.abc import Iterable
from itertools import count
from typing import Final

from sqlglot import exp

from tests.app.isolation.relations import (
    NONE,
    SENT,
    Catalog,
    Labels,
    Output,
    Relation,
    bare,
    united,
)
from tests.app.isolation.scope import NAMELESS, Queries, Reader, Scope


def faults(statement: exp.Expr, catalog: Catalog) -> list[str]:
    """What is wrong with a statement; nothing if it keeps to the tenants that it is given."""
    reading = Reading(catalog)
    reading.statement(statement)
    for table in statement.find_all(exp.Table):
        unseen = id(table) not in reading.seen and not table.find_ancestor(exp.Lock)
        if unseen and catalog.tenant_column(table.name):
            reading.faults.append(f"{table.name} stands where nobody looks")
    return reading.faults


def compared(statement: exp.Expr, catalog: Catalog) -> set[int]:
    """The numbers of the parameters that tenants are compared with, alone or in arrays."""
    reading = Reading(catalog)
    reading.statement(statement)
    return reading.parameters


class Reading(Reader):
    """A statement being read."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.faults = []
        self.seen = set()
        self.parameters = set()
        self._numbers: Final = count(1)

    def mark(self, name: str) -> str:
        """A label that nothing else has."""
        return f"{name}#{next(self._numbers)}"

    def aside(self) -> Reader:
        """One who reads on his own account."""
        return Reading(self.catalog)

    def statement(self, statement: exp.Expr) -> None:
        """Read a whole statement."""
        match statement:
            case exp.Query() | exp.Values() | exp.Insert() | exp.Update() | exp.Delete():
                self.query(statement, None, {})
            case exp.Copy():
                self._copy(statement)
            case exp.Create() | exp.TruncateTable() | exp.Analyze():
                self._passing(statement)
            case _:
                self.faults.append(f"not understood: {statement.sql('postgres')[:60]}")

    def query(self, query: exp.Expr, outer: Scope | None, queries: Queries) -> Output:
        """Read a query or a change in the scope of another; what it gives."""
        queries = self._with(query, outer, queries)
        match query:
            case exp.Subquery():
                output = self.query(query.this, outer, queries)
            case exp.SetOperation():
                first, second = (
                    self.query(each, outer, queries) for each in (query.left, query.right)
                )
                output = united(first, second, self.mark("union"))
            case exp.Values():
                output = _values(query, Scope(self, outer, queries))
            case exp.Select():
                output = Scope(self, outer, queries).select(query)
            case exp.Insert():
                output = self._insert(query, outer, queries)
            case exp.Update() | exp.Delete():
                output = self._change(query, Scope(self, outer, queries))
            case _:
                self.faults.append(f"not understood: {type(query).__name__}")
                output = NAMELESS
        return output

    def _with(self, query: exp.Expr, outer: Scope | None, queries: Queries) -> Queries:
        inner = dict(queries)
        if defined := query.args.get("with_"):
            for each in defined.expressions:
                if defined.args.get("recursive"):
                    inner[each.alias] = None
                inner[each.alias] = self.query(each.this, outer, inner)
        return inner

    def _change(self, change: exp.Update | exp.Delete, scope: Scope) -> Output:
        target = scope.add_table(change.this)
        others: list[exp.Expr] = change.args.get("using") or []
        first: exp.From | None = change.args.get("from_")
        for source in [*others, first.this] if first else others:
            scope.add(source)
        if isinstance(change, exp.Update):
            self._check_kept(target, change.expressions)
        output = scope.finish(change, _returned(change))
        self._check_written(target, target.held or NONE)
        return output

    def _check_written(self, target: Relation, tenants: Labels) -> None:
        """What tells whose rows are written has to be more than what the rows say themselves."""
        kept = target.name not in self.catalog.passing
        if kept and tenants and all(label.startswith(SENT) for label in tenants):
            self.faults.append(f"{target.name}: rows are written of whatever tenant they name")

    def _insert(self, insert: exp.Insert, outer: Scope | None, queries: Queries) -> Output:
        source = insert.args.get("expression")
        output = self.query(source, outer, queries) if source else NAMELESS
        scope = Scope(self, outer, queries)
        target = scope.add_table(_table_of(insert))
        if target.own is not None:
            names = [each.name for each in insert.this.expressions]
            given = dict(zip(names, (labels for _, labels in output.columns), strict=False))
            tenants = given.get(target.own, NONE)
            target.give(target.own, tenants)
            self._check_written(target, tenants)
            self._check_conflict(target, insert.args.get("conflict"))
        return scope.finish(insert, _returned(insert))

    def _check_conflict(self, target: Relation, conflict: exp.OnConflict | None) -> None:
        """A row that gives way to the new one must be of the same tenant."""
        if conflict is None or conflict.args["action"].name.upper() != "DO UPDATE":
            return
        keys = [bare(key.this).name for key in conflict.args.get("conflict_keys") or ()]
        if target.own not in keys:
            self.faults.append(f"{target.name}: a conflict is not looked for within the tenant")
        self._check_kept(target, conflict.expressions)

    def _check_kept(self, target: Relation, changes: Iterable[exp.Expr]) -> None:
        if target.own in [bare(each.this).name for each in changes]:
            self.faults.append(f"{target.name}: a row is given to another tenant")

    def _copy(self, copy: exp.Copy) -> None:
        table = _table_of(copy)
        self.seen.add(id(table))
        names = [each.name for each in copy.this.expressions]
        own = self.catalog.tenant_column(table.name)
        if not copy.args.get("kind") or (own and own not in names):
            self.faults.append(f"{table.name}: rows are copied without their tenant")

    def _passing(self, statement: exp.Expr) -> None:
        """Tables of the session may come and go; rows of others do not get into them."""
        if query := statement.args.get("expression"):
            self.query(query, None, {})
        for table in [] if query else list(statement.find_all(exp.Table)):
            self.seen.add(id(table))
            if table.name not in self.catalog.passing:
                self.faults.append(f"{table.name} is not a table of the session alone")


def _values(values: exp.Values, scope: Scope) -> Output:
    rows = [[scope.labels(each) for each in row.expressions] for row in values.expressions]
    scope.read_nested(values)
    columns = [("", first.intersection(*others)) for first, *others in zip(*rows, strict=True)]
    return Output(columns, None)


def _table_of(change: exp.Insert | exp.Copy) -> exp.Table:
    table = change.this.this if isinstance(change.this, exp.Schema) else change.this
    assert isinstance(table, exp.Table)
    return table


def _returned(change: exp.Expr) -> Iterable[exp.Expr]:
    returning = change.args.get("returning")
    return returning.expressions if returning else ()
