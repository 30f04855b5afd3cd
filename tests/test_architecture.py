"""The architecture: what the design forbids, read from the source."""

import ast
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import grimp
import pytest

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("app", "projections", "domain", "alembic", "tests", "benchmarks")
MODULES: Final = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def test_the_domain_imports_msgspec_and_the_standard_library_alone() -> None:
    graph = grimp.build_graph("domain", include_external_packages=True, cache_dir=None)
    inside = {module for module in graph.modules if not graph.is_module_squashed(module)}
    imported = {
        name.partition(".")[0]
        for module in inside
        for name in graph.find_modules_directly_imported_by(module) - inside
    }
    assert "domain.bet" in inside
    assert imported - sys.stdlib_module_names == {"msgspec"}


@pytest.mark.parametrize("package", ["domain", "projections"])
def test_decisions_and_folds_read_no_clock_and_no_chance(package: str) -> None:
    graph = grimp.build_graph(package, include_external_packages=True, cache_dir=None)
    assert not graph.modules & {"time", "random", "secrets", "os", "asyncio", "socket"}


def test_the_folder_of_the_migrations_does_not_hide_alembic() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
    spec = find_spec("alembic")
    assert spec is not None
    assert spec.origin is not None
    assert not Path(spec.origin).is_relative_to(ROOT / "alembic")


@pytest.mark.parametrize(
    "module", MODULES, ids=[path.relative_to(ROOT).as_posix() for path in MODULES]
)
def test_a_module_opens_with_a_sentence_on_its_subject(module: Path) -> None:
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    assert docstring is not None
    assert docstring.partition("\n")[0].endswith(".")


@pytest.mark.parametrize(
    "module", MODULES, ids=[path.relative_to(ROOT).as_posix() for path in MODULES]
)
def test_a_modules_name_says_what_it_holds(module: Path) -> None:
    assert module.stem not in {"base", "common", "helpers", "manager", "misc", "utils"}
