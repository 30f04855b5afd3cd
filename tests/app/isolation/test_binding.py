"""What counts as bound to the tenants that a statement is given, and what does not."""

from typing import Final

import pytest

from tests.app.isolation.binding import faults
from tests.app.isolation.mutants import mutants
from tests.app.isolation.relations import Catalog
from tests.app.isolation.statements import parsed

CATALOG: Final = Catalog(
    {
        "tenants": ["id", "slug"],
        "bets": ["tenant_id", "bet_id", "user_id"],
        "users": ["tenant_id", "user_id"],
        "sketch": ["tenant_id", "bet_id"],
        "versions": ["number"],
    },
    frozenset({"sketch"}),
)

# What row-level security may be told before a statement, within it.
NAMED: Final = (
    "SELECT read.* FROM (SELECT set_config('x', CAST($1 AS TEXT), true) AS ids OFFSET 0) AS named"
    " CROSS JOIN LATERAL (SELECT found.* FROM ({}) AS found WHERE named.ids IS NOT NULL OFFSET 0)"
    " AS read"
)
KEPT: Final = (
    "SELECT * FROM bets WHERE tenant_id = $1",
    "SELECT * FROM bets WHERE $1::bigint = (bets.tenant_id) AND user_id = $2",
    "SELECT * FROM bets AS b WHERE b.tenant_id = ANY ($1::bigint[])",
    "SELECT slug FROM tenants WHERE tenants.id = $1",
    "SELECT number FROM versions",
    "SELECT * FROM bets JOIN users ON bets.tenant_id = users.tenant_id WHERE users.tenant_id = $1",
    "SELECT * FROM bets, users WHERE bets.tenant_id = $1 AND users.tenant_id = $1",
    (
        "SELECT * FROM bets LEFT JOIN users ON users.tenant_id = bets.tenant_id"
        " WHERE bets.tenant_id = $1"
    ),
    (
        "SELECT * FROM (SELECT * FROM bets WHERE tenant_id = $1) AS b FULL JOIN"
        " (SELECT * FROM users WHERE tenant_id = $1) AS u USING (user_id)"
    ),
    (
        "SELECT * FROM bets JOIN unnest($1::bigint[], $2::text[]) AS given(tenant_id, key)"
        " ON bets.tenant_id = given.tenant_id AND bets.bet_id = given.key"
    ),
    (
        "WITH some AS (SELECT tenant_id AS whose FROM bets WHERE tenant_id = ANY ($1))"
        " SELECT * FROM users JOIN some ON users.tenant_id = some.whose"
    ),
    (
        "WITH some AS (SELECT tenant_id FROM bets WHERE tenant_id = $1 UNION ALL SELECT $1)"
        " SELECT * FROM users JOIN some ON users.tenant_id = some.tenant_id"
    ),
    (
        "SELECT * FROM bets, LATERAL"
        " (SELECT * FROM users WHERE users.tenant_id = bets.tenant_id) AS u"
        " WHERE bets.tenant_id = ANY ($1)"
    ),
    (
        "SELECT (SELECT count(*) FROM users AS u WHERE u.tenant_id = b.tenant_id) FROM bets AS b"
        " WHERE b.tenant_id = ANY ($1)"
    ),
    (
        "UPDATE bets SET user_id = $2 WHERE tenant_id = $1 AND EXISTS"
        " (SELECT FROM sketch WHERE sketch.tenant_id = bets.tenant_id)"
    ),
    "DELETE FROM bets USING users WHERE users.tenant_id = $1 AND bets.tenant_id = users.tenant_id",
    (
        "INSERT INTO bets (bet_id, tenant_id) VALUES ($1, $2) ON CONFLICT (tenant_id, bet_id)"
        " DO UPDATE SET user_id = excluded.user_id"
    ),
    (
        "INSERT INTO users (tenant_id) SELECT id FROM tenants"
        " WHERE id = ANY ($1) ON CONFLICT DO NOTHING"
    ),
    (
        "WITH held AS (SELECT tenant_id FROM users WHERE tenant_id = ANY ($1) FOR UPDATE)"
        " INSERT INTO bets (tenant_id, bet_id) SELECT sent.tenant_id, sent.bet_id"
        " FROM json_to_recordset($2::json) AS sent(tenant_id bigint, bet_id text)"
        " WHERE sent.tenant_id = ANY"
        " (CAST((SELECT array_agg(held.tenant_id) FROM held) AS bigint[]))"
    ),
    (
        "WITH held AS (SELECT tenant_id FROM users WHERE tenant_id = ANY ($1) FOR UPDATE)"
        " UPDATE bets SET user_id = sent.user_id"
        " FROM json_to_recordset($2::json) AS sent(tenant_id bigint, bet_id text, user_id text)"
        " WHERE bets.tenant_id = sent.tenant_id AND bets.bet_id = sent.bet_id AND sent.tenant_id"
        " = ANY (CAST((SELECT array_agg(held.tenant_id) FROM held) AS bigint[]))"
    ),
    (
        "INSERT INTO sketch (tenant_id) SELECT a.tenant_id FROM json_populate_recordset"
        "(NULL::sketch, $1::json) AS a"
    ),
    'COPY bets ("tenant_id", "bet_id") FROM STDIN (FORMAT binary)',
    "TRUNCATE sketch",
    NAMED.format("SELECT bet_id FROM bets WHERE tenant_id = $2"),
    NAMED.format(
        "SELECT bet_id FROM bets JOIN unnest($1::bigint[]) AS given(tenant_id)"
        " ON bets.tenant_id = given.tenant_id"
    ),
)
LOST: Final = (
    "SELECT * FROM bets",
    "SELECT * FROM bets WHERE user_id = $1",
    "SELECT * FROM bets WHERE tenant_id = 10001",
    "SELECT * FROM bets WHERE tenant_id = tenant_id",
    "SELECT * FROM bets WHERE tenant_id > $1",
    "SELECT * FROM bets WHERE tenant_id = $1 OR user_id = $2",
    "SELECT * FROM bets WHERE NOT (tenant_id = $1)",
    "SELECT * FROM bets WHERE tenant_id = ANY (SELECT tenant_id FROM users)",
    "SELECT slug FROM tenants",
    "SELECT * FROM public.bets AS b",
    "SELECT * FROM bets JOIN users ON bets.user_id = users.user_id WHERE bets.tenant_id = $1",
    "SELECT * FROM bets JOIN users USING (user_id) WHERE bets.tenant_id = $1",
    "SELECT * FROM bets LEFT JOIN users ON bets.tenant_id = $1 AND users.tenant_id = $1",
    "SELECT * FROM bets FULL JOIN users ON bets.tenant_id = $1 AND users.tenant_id = $1",
    (
        "SELECT * FROM bets RIGHT JOIN users ON bets.tenant_id = users.tenant_id"
        " WHERE bets.tenant_id = $1"
    ),
    # Each is bound, and yet rows of different tenants meet.
    (
        "SELECT * FROM bets JOIN users USING (user_id)"
        " WHERE bets.tenant_id = ANY ($1) AND users.tenant_id = ANY ($1)"
    ),
    (
        "SELECT * FROM bets WHERE tenant_id = ANY ($1) AND user_id IN"
        " (SELECT user_id FROM users WHERE tenant_id = ANY ($1))"
    ),
    (
        "SELECT * FROM bets JOIN (SELECT user_id FROM users WHERE tenant_id = ANY ($1)) AS u"
        " ON u.user_id = bets.user_id WHERE bets.tenant_id = ANY ($1)"
    ),
    # In every place where a table can stand.
    "WITH every AS (SELECT * FROM bets) SELECT count(*) FROM every",
    "SELECT * FROM bets WHERE tenant_id = $1 UNION ALL SELECT * FROM bets",
    "SELECT (SELECT count(*) FROM users) FROM bets WHERE tenant_id = $1",
    "SELECT number FROM versions WHERE EXISTS (SELECT FROM users)",
    "SELECT number FROM versions ORDER BY (SELECT max(user_id) FROM users)",
    "SELECT number FROM versions JOIN users ON true",
    "SELECT number FROM versions, LATERAL (SELECT * FROM users) AS u",
    "SELECT * FROM unnest(ARRAY(SELECT user_id FROM users)) AS given(user_id)",
    "SELECT number FROM (versions JOIN users ON true)",
    "VALUES ((SELECT max(user_id) FROM users))",
    "UPDATE bets SET user_id = $1",
    "UPDATE bets SET user_id = (SELECT max(user_id) FROM users) WHERE tenant_id = $1",
    "UPDATE bets SET user_id = users.user_id FROM users WHERE bets.tenant_id = $1",
    "UPDATE bets SET tenant_id = $2 WHERE tenant_id = $1",
    (
        "UPDATE bets SET user_id = sent.user_id"
        " FROM json_to_recordset($1::json) AS sent(tenant_id bigint, user_id text)"
        " WHERE bets.tenant_id = sent.tenant_id"
    ),
    "DELETE FROM bets",
    "DELETE FROM bets WHERE tenant_id = $1 AND bet_id IN (SELECT bet_id FROM bets)",
    "DELETE FROM bets WHERE tenant_id = $1 RETURNING (SELECT max(user_id) FROM users)",
    # Rows that are written.
    "INSERT INTO bets (bet_id) VALUES ($1)",
    "INSERT INTO bets (tenant_id, bet_id) VALUES (10001, $1)",
    "INSERT INTO bets (tenant_id, bet_id) VALUES ($1, $2), (10001, $2)",
    "INSERT INTO bets (tenant_id, bet_id) SELECT tenant_id, user_id FROM users",
    (
        "INSERT INTO bets (bet_id, tenant_id) SELECT tenant_id, user_id FROM users"
        " WHERE tenant_id = $1"
    ),
    (
        "INSERT INTO bets (tenant_id) SELECT sent.tenant_id"
        " FROM json_to_recordset($1::json) AS sent(tenant_id bigint)"
    ),
    (
        "INSERT INTO bets (tenant_id, bet_id) VALUES ($1, $2) ON CONFLICT (bet_id)"
        " DO UPDATE SET user_id = excluded.user_id"
    ),
    (
        "INSERT INTO bets (tenant_id, bet_id) VALUES ($1, $2) ON CONFLICT (tenant_id, bet_id)"
        " DO UPDATE SET tenant_id = $3"
    ),
    "COPY bets (bet_id) FROM STDIN (FORMAT binary)",
    "COPY bets (tenant_id, bet_id) TO STDOUT",
    # What is not understood.
    "TRUNCATE bets",
    "CREATE TABLE more AS SELECT * FROM bets",
    "MERGE INTO bets USING users ON bets.tenant_id = $1 WHEN MATCHED THEN DELETE",
    "EXPLAIN SELECT * FROM bets",
    NAMED.format("SELECT bet_id FROM bets"),
)


@pytest.mark.parametrize("text", KEPT)
def test_a_statement_that_keeps_to_its_tenants_is_let_pass(text: str) -> None:
    for statement in parsed(text):
        assert faults(statement, CATALOG) == []


@pytest.mark.parametrize("text", KEPT)
def test_and_misses_each_of_its_predicates(text: str) -> None:
    for statement in parsed(text):
        before = statement.sql("postgres")
        for mutant in mutants(statement, CATALOG):
            assert faults(statement, CATALOG), mutant
        assert statement.sql("postgres") == before


@pytest.mark.parametrize("text", LOST)
def test_one_that_does_not_is_held(text: str) -> None:
    assert any(faults(statement, CATALOG) for statement in parsed(text))
