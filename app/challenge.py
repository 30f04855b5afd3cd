"""The problems of access, each with the challenge that goes with it (RFC 6750, 3)."""

from typing import Final

from app import problems
from app.problems import Kind, Problem
from app.scopes import Scope

_REALM: Final = 'Bearer realm="stakebook"'


def token_missing() -> Problem:
    """Nobody said who he is; no error in the challenge, as none was made yet."""
    detail = "Send a token as `Authorization: Bearer …`."
    return _challenged(problems.TOKEN_MISSING, detail, _REALM)


def token_invalid(detail: str) -> Problem:
    """The token is not accepted; `detail` is ASCII without quotes and repeats nothing of it."""
    challenge = f'{_REALM}, error="invalid_token", error_description="{detail}"'
    return _challenged(problems.TOKEN_INVALID, detail, challenge)


def scope_missing(scope: Scope) -> Problem:
    """The token is good, but not for this."""
    challenge = f'{_REALM}, error="insufficient_scope", scope="{scope}"'
    return _challenged(problems.SCOPE_MISSING, f"The token lacks the scope {scope}.", challenge)


def tenant_forbidden() -> Problem:
    """The token is for other tenants; whether there is this one, nobody has looked."""
    detail = "The claim tenants of the token does not name the tenant of X-Tenant-Id."
    return problems.problem(problems.TENANT_FORBIDDEN, detail)


def _challenged(kind: Kind, detail: str, challenge: str) -> Problem:
    return Problem(problems.document(kind, detail), headers={"WWW-Authenticate": challenge})
