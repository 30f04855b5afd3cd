"""Durations on the command line."""

import re
from datetime import timedelta
from typing import Any, Final

import click

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_SECONDS: Final = 100 * 366 * 86_400


class Duration(click.ParamType[timedelta]):
    """A number with its unit: 90s, 30m, 48h, 7d."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Parse `value`."""
        if isinstance(value, timedelta):
            return value
        if not (parts := _DURATION.fullmatch(value)):
            self.fail(f"{value!r} is not a duration such as 90s, 30m, 48h or 7d", param, ctx)
        duration = float(parts[1]) * _SECONDS[parts[2]]
        if duration > _LONGEST_SECONDS:
            self.fail(f"{value!r} is longer than a century", param, ctx)
        return timedelta(seconds=duration)
