"""What one SELECT, or one change, reads from, and what it compares."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol, TypeAlias, cast

from sqlglot import exp

from tests.app.isolation.relations import (
    NONE,
    SENT,
    Catalog,
    Labels,
    Output,
    Relation,
    bare,
    conjuncts,
    names_of,
    of_function,
    of_output,
)

Queries: TypeAlias = Mapping[str, Output | None]
"""The common table expressions in sight; None for one that is not complete yet."""

NAMELESS: Final = Output((), None)
# What a statement reads from or writes to, and not an expression on that.
_SOURCES: Final = frozenset({"with_", "from_", "laterals", "using", "this", "expression"})


class Reader(Protocol):
    """Who reads the whole statement: the `faults` so far, and the tables that were `seen`.

    `parameters` are the numbers of those that tenants are compared with, alone or in arrays.
    """

    catalog: Catalog
    faults: list[str]
    seen: set[int]
    parameters: set[int]

    def mark(self, name: str) -> str:
        """A label that nothing else has."""
        ...

    def query(self, query: exp.Expr, outer: "Scope | None", queries: Queries) -> Output:
        """Read a query or a change in the scope of another; what it gives."""
        ...

    def aside(self) -> "Reader":
        """One who reads on his own account."""
        ...


class _Place(NamedTuple):
    """A column of a relation in the scope."""

    relation: Relation
    column: str

    @property
    def labels(self) -> set[str]:
        """The labels of the column, as far as they are known."""
        return self.relation.labels[self.column]


class Scope:
    """The relations under their names; `outer` is the scope around it, if it sees one."""

    def __init__(self, reader: Reader, outer: "Scope | None", queries: Queries) -> None:
        self._reader: Final = reader
        self._outer: Final = outer
        self._queries: Final = queries
        self._relations: Final[dict[str, Relation]] = {}
        self._arrays: Final[dict[str, int]] = {}
        self._operands: Final[dict[int, Labels]] = {}

    def select(self, select: exp.Select) -> Output:
        """Read a SELECT."""
        joins: list[exp.Join] = select.args.get("joins") or []
        first = select.args.get("from_")
        sources: list[exp.Expr] = [*([first.this] if first else []), *(each.this for each in joins)]
        sources += select.args.get("laterals") or []
        for source in sources:
            if not isinstance(source, exp.Lateral):
                self.add(source)
        for source in sources:
            if isinstance(source, exp.Lateral):
                self._compare(select)  # what it refers to is known by then
                self._add_lateral(source)
        return self.finish(select, select.expressions)

    def add_table(self, table: exp.Table) -> Relation:
        """Read from a table, or write to it, whatever queries have its name."""
        self._reader.seen.add(id(table))
        catalog = self._reader.catalog
        columns, own = catalog.columns.get(table.name), catalog.tenant_column(table.name)
        return self._add(Relation(table.alias_or_name, columns, own=own))

    def add(self, source: exp.Expr) -> None:
        """Read from a table, a query or a function."""
        match source:
            case exp.Table(this=exp.Identifier()) if source.db or source.name not in self._queries:
                self.add_table(source)
            case exp.Table(this=exp.Identifier()):
                self._reader.seen.add(id(source))
                self._add_output(source, self._queries[source.name] or NAMELESS)
            case exp.Subquery() | exp.Values():
                self._add_output(source, self._reader.query(source, self._outer, self._queries))
            case _:
                self._add_function(source, source)

    def finish(self, node: exp.Expr, giving: Iterable[exp.Expr] = ()) -> Output:
        """Check the scope once all that it reads from is there; `giving` is what it gives."""
        self._compare(node)
        common = self._check()
        self.read_nested(node, _SOURCES, common)
        columns = [given for each in giving for given in self._given(each)]
        if common is not None:
            columns = [(name, labels & common) for name, labels in columns]
        return Output(columns, common)

    def read_nested(
        self, node: exp.Expr, besides: Collection[str] = (), common: Labels | None = None
    ) -> None:
        """Read the queries in the expressions of `node`, but for some of its parts."""
        for query in _nested(node, besides):
            inner = self._reader.query(query, self, self._queries).common
            if common and inner and not common & inner and id(query) not in self._operands:
                self._reader.faults.append("a query in another is not of the same tenant")

    def labels(self, expression: exp.Expr) -> Labels:
        """The tenants that an expression stands for."""
        return frozenset(self._source(expression))

    def _add(self, relation: Relation) -> Relation:
        self._relations[relation.name] = relation
        return relation

    def _add_output(self, source: exp.Expr, output: Output) -> None:
        name = source.alias_or_name
        mark = self._reader.mark(name)
        self._add(of_output(name, output, self._known(), names_of(source), mark))

    def _add_lateral(self, lateral: exp.Lateral) -> None:
        if isinstance(lateral.this, exp.Subquery):
            self._add_output(lateral, self._reader.query(lateral.this, self, self._queries))
        else:
            self._add_function(lateral, lateral.this)

    def _add_function(self, source: exp.Expr, function: exp.Expr) -> None:
        self._add(of_function(source, self._reader.mark(SENT)))
        self.read_nested(function)

    def _known(self) -> Labels:
        """The labels of this scope and those around it."""
        own = {label for each in self._relations.values() for label in each.held or ()}
        return frozenset(own | (self._outer._known() if self._outer else NONE))

    def _check(self) -> Labels | None:
        """What all rows have in common; None if they are nobody's."""
        held = {each.name: each.held for each in self._relations.values() if each.held is not None}
        for name, labels in held.items():
            if not labels:
                self._reader.faults.append(f"{name}: nothing binds its tenant")
        if not held:
            return None
        first, *others = held.values()
        common = first.intersection(*others)
        if not common and all(held.values()):
            self._reader.faults.append(f"not joined on the tenant: {', '.join(held)}")
        self._reader.parameters.update(int(label[1:]) for label in common if label.startswith("$"))
        self._reader.parameters.update(self._arrays[each] for each in common & self._arrays.keys())
        return common

    def _compare(self, node: exp.Expr) -> None:
        """Let labels spread along everything that is compared, until there is nothing new."""
        pairs = list(self._pairs(node))
        before = -1
        while (size := sum(len(place.labels) for place, _ in pairs)) > before:
            before = size
            for place, source in pairs:
                place.labels.update(source)

    def _pairs(self, node: exp.Expr) -> Iterator[tuple[_Place, set[str] | Labels]]:
        for condition, bound in self._conditions(node):
            for compared in conjuncts(condition):
                if not isinstance(compared, exp.EQ | exp.In):
                    continue
                sides: list[exp.Expr] = [compared.this, compared.args.get("expression") or compared]
                for one, other in (sides, sides[::-1]):
                    place = self._place(one)
                    if place and place.relation.name in bound:
                        yield place, self._source(other)

    def _conditions(self, node: exp.Expr) -> Iterator[tuple[exp.Expr | None, Sequence[str]]]:
        """Each condition with the relations out of which it leaves rows."""
        before = list(self._relations)[:1]
        joins: list[exp.Join] = node.args.get("joins") or []
        for join in joins:
            name = join.this.alias_or_name
            bound = {"LEFT": [name], "RIGHT": before, "FULL": list[str]()}
            yield join.args.get("on"), bound.get(join.side, [*before, name])
            before = [*before, name]
        where = node.args.get("where")
        yield where.this if where else None, list(self._relations)

    def _source(self, expression: exp.Expr) -> set[str] | Labels:
        expression = bare(expression)
        match expression:
            case exp.Column():
                place = self._place(expression)
                if place is None:
                    return self._outer._source(expression) if self._outer else NONE
                return place.labels
            case exp.Parameter():
                return frozenset({f"${expression.name}"})
            case exp.Any() | exp.In():
                return self._one_of(expression)
            case _:
                return NONE

    def _one_of(self, among: exp.Any | exp.In) -> Labels:
        """A label for any one of several tenants, if they are all parameters or bound."""
        if id(among) not in self._operands:
            operand = among.args.get("query") if isinstance(among, exp.In) else bare(among.this)
            label = self._reader.mark("any")
            is_given = False
            if isinstance(operand, exp.Parameter):
                self._arrays[label], is_given = int(operand.name), True
            elif isinstance(operand, exp.Query):
                output = self._reader.aside().query(operand, self, self._queries)
                is_given = len(output.columns) == 1 and bool(output.columns[0][1])
                if is_given:  # whose it is is what it is for
                    self._operands[id(operand)] = NONE
            self._operands[id(among)] = frozenset({label}) if is_given else NONE
        return self._operands[id(among)]

    def _place(self, expression: exp.Expr) -> _Place | None:
        column = bare(expression)
        if not isinstance(column, exp.Column):
            return None
        named = self._relations.get(column.table)
        having = [each for each in self._relations.values() if column.name in (each.columns or ())]
        if not column.table and len(having) == 1:
            named = having[0]
        return _Place(named, column.name) if named else None

    def _given(self, expression: exp.Expr) -> list[tuple[str, Labels]]:
        if not expression.is_star:
            return [(expression.alias_or_name, self.labels(expression))]
        table = expression.args.get("table")
        starred = [self._relations[table.name]] if table else self._relations.values()
        return [
            (column, frozenset(relation.labels[column]))
            for relation in starred
            for column in relation.columns or ()
        ]


def _nested(node: exp.Expr, besides: Collection[str] = ()) -> Iterator[exp.Query]:
    """The queries in the expressions of `node`, not those within them."""
    for name, argument in node.args.items():
        parts = cast("list[object]", argument) if isinstance(argument, list) else [argument]
        for part in parts if name not in besides else ():
            inner = part.args.get("on") if isinstance(part, exp.Join) else part
            if isinstance(inner, exp.Query):
                yield inner
            elif isinstance(inner, exp.Expr):
                yield from _nested(inner)
