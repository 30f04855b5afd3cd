"""A bar that shows how far a command has come, on a terminal only."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click


@contextmanager
def progress(label: str, length: int) -> Generator[Callable[[int], object]]:
    """Show a bar of so many steps; it goes on by as many as the function is told."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=length, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update
