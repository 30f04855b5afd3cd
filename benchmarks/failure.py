"""The one way in which a benchmark ends without a result."""


class BenchmarkFailed(Exception):
    """The run does not count; the message is for the person who started it."""
