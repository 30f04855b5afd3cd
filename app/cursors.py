"""Cursors of paged lists: signed, and good for one list only."""

from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from app import problems
from app.problems import Problem, problem

FIRST_PAGE: Final = 2**63 - 1
"""The position before which a list without a cursor begins."""


class Cursors:
    """Writes and reads cursors with the service's secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def write(self, position: int, *scope: object) -> str:
        """A cursor that continues below `position` in the list that `scope` describes."""
        return str(self._serializer(scope).dumps(position))

    def read(self, cursor: str | None, *scope: object) -> int:
        """The position that `cursor` continues below. Raises `Problem`.

        The scope (route, tenant, user, filter) is part of the signature, not of the cursor:
        one that was made for another list does not verify.
        """
        if cursor is None:
            return FIRST_PAGE
        try:
            position = int(self._serializer(scope).loads(cursor))
        except (BadData, ValueError, TypeError) as error:
            raise _foreign() from error
        # Base64 is read leniently: a signature can be written in several ways.
        if self.write(position, *scope) != cursor:
            raise _foreign()
        return position

    def _serializer(self, scope: tuple[object, ...]) -> URLSafeSerializer:
        return URLSafeSerializer(self._secret, salt=repr(scope))


def _foreign() -> Problem:
    detail = "The cursor does not belong to this list; start again without one."
    return problem(problems.INVALID_CURSOR, detail)
