"""The SQL that the service made by hand runs, statement by statement."""

from typing import Final

from domain.bet import Bet

_BET: Final = ", ".join(Bet.__struct_fields__)

# Names the tenant for row-level security, for the rest of the transaction: the same way as the
# ledger does, and without a round trip of its own.
_NAMING: Final = """
    (SELECT set_config('stakebook.tenants', '{' || $1::bigint || '}', true) AS tenant OFFSET 0)
        AS naming
"""

# Parameter: the first tenant and the last.
OPEN_HEADS: Final = """
    INSERT INTO tenant_heads (tenant_id)
    SELECT id
    FROM (SELECT set_config('stakebook.tenants', array_agg(id)::text, true) AS named
          FROM generate_series($1::bigint, $2::bigint) AS id) AS naming
    CROSS JOIN LATERAL (SELECT id FROM tenants WHERE id BETWEEN $1 AND $2 AND named <> '' OFFSET 0)
        AS there
    ON CONFLICT DO NOTHING
"""

# The first statement of the transaction. Parameters: tenant, key, fingerprint, bet, command.
TAKE_KEY: Final = f"""
    INSERT INTO idempotency_keys
        (tenant_id, idempotency_key, operation, fingerprint, resource_id, command_id, status)
    SELECT $1::bigint, $2, 'placeBet', $3::jsonb, $4, $5::uuid, 201 FROM {_NAMING}
    ON CONFLICT DO NOTHING RETURNING true
"""  # noqa: S608 -- constant

# Parameters: tenant, time, and the text to hash before, between and after position and time.
# The hash is made where the one before it is: fetching that first would cost another round trip
# while everybody else waits for the head.
MOVE_HEAD: Final = """
    UPDATE tenant_heads
    SET position = position + 1,
        last_timestamp = greatest(last_timestamp, $2),
        hash = sha256(hash || convert_to(
            $3::text || position + 1 || $4 || greatest(last_timestamp, $2) || $5, 'UTF8'))
    FROM tenants
    WHERE tenant_id = $1 AND tenants.id = $1 AND status = 'active'
    RETURNING position, last_timestamp, hash
"""

# Parameters: tenant, position, event, bet, payload, time, key, hash.
ADD_EVENT: Final = """
    INSERT INTO bet_events
        (tenant_id, position, id, aggregate_id, event_type, event_name, event_data, timestamp,
         version, idempotency_key, metadata, hash)
    VALUES
        ($1, $2, $3, $4, 'V1_BETS_BET_PLACED', 'v1.bets.bet.placed', $5, $6, 1, $7, '{}', $8)
"""

# Parameters: tenant, then the fields of a bet in their order.
ADD_BET: Final = f"""
    INSERT INTO bets_view (tenant_id, {_BET})
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""  # noqa: S608 -- names of columns

# Parameters: tenant, user, stake, time, position.
ADD_TO_ACTIVITY: Final = """
    INSERT INTO user_activity_view AS activity
        (tenant_id, user_id, bets, bets_placed, bets_confirmed, bets_settled, bets_cancelled,
         staked, won, lost, payments_created, payments_completed, payments_failed,
         deposited, withdrawn, last_active_at, last_position)
    VALUES ($1, $2, 1, 1, 0, 0, 0, $3, 0, 0, 0, 0, 0, 0, 0, $4, $5)
    ON CONFLICT (tenant_id, user_id) DO UPDATE
    SET bets = activity.bets + 1, bets_placed = activity.bets_placed + 1,
        staked = activity.staked + excluded.staked,
        last_active_at = excluded.last_active_at, last_position = excluded.last_position
"""

# Parameters: tenant, stake, time, position.
ADD_TO_SUMMARY: Final = """
    INSERT INTO tenants_summary_view AS summary
        (tenant_id, bets_placed, bets_confirmed, bets_settled, bets_cancelled, turnover, payouts,
         gross_gaming_revenue, payments_created, payments_completed, payments_failed, deposits,
         withdrawals, balances, last_updated_at, last_position)
    VALUES ($1, 1, 0, 0, 0, $2, 0, 0, 0, 0, 0, 0, 0, 0, $3, $4)
    ON CONFLICT (tenant_id) DO UPDATE
    SET bets_placed = summary.bets_placed + 1, turnover = summary.turnover + excluded.turnover,
        last_updated_at = excluded.last_updated_at, last_position = excluded.last_position
"""

# Parameters: tenant, bet.
BET: Final = f"""
    SELECT found.* FROM {_NAMING} CROSS JOIN LATERAL (
        SELECT {_BET} FROM bets_view
        WHERE tenant_id = $1 AND bet_id = $2 AND naming.tenant IS NOT NULL OFFSET 0
    ) AS found
"""  # noqa: S608 -- names of columns

# Parameters: tenant, key.
BET_OF_KEY: Final = f"""
    SELECT found.* FROM {_NAMING} CROSS JOIN LATERAL (
        SELECT {_BET} FROM bets_view
        WHERE tenant_id = $1 AND idempotency_key = $2 AND naming.tenant IS NOT NULL OFFSET 0
    ) AS found
"""  # noqa: S608 -- as above

# Parameters: tenant, user, the position to begin before, how many.
BETS_OF_USER: Final = f"""
    SELECT found.* FROM {_NAMING} CROSS JOIN LATERAL (
        SELECT {_BET},
            (SELECT bets_placed + bets_confirmed + bets_settled + bets_cancelled
             FROM user_activity_view WHERE tenant_id = $1 AND user_id = $2) AS total
        FROM bets_view
        WHERE tenant_id = $1 AND user_id = $2 AND last_position < $3
            AND naming.tenant IS NOT NULL
        ORDER BY last_position DESC LIMIT $4
    ) AS found
"""  # noqa: S608 -- as above
