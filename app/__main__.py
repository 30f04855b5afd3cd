"""`python -m app` is the `stakebook` command."""

from app.cli import main

main()
