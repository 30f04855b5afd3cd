"""What the log says of bets, payments, balances and users, as tables of one connection.

A second opinion on the folds, which it shares nothing with: they go event by event, in Python.
"""

from typing import Final

TABLES: Final = (
    """
    CREATE TEMP TABLE logged_events AS
    SELECT 'bet' AS stream, tenant_id, position, aggregate_id, version, timestamp,
           idempotency_key, NULL AS cause FROM bet_events
    UNION ALL
    SELECT 'payment', tenant_id, position, aggregate_id, version, timestamp,
           idempotency_key, NULL FROM payment_events
    UNION ALL
    SELECT 'balance', tenant_id, position, aggregate_id, version, timestamp,
           idempotency_key, coalesce(event_data ->> 'bet_id', event_data ->> 'payment_id')
    FROM balance_events
    """,
    """
    CREATE TEMP TABLE logged_bets AS
    SELECT tenant_id, aggregate_id AS bet_id,
           max(event_data ->> 'user_id') AS user_id,
           max((event_data ->> 'stake')::numeric) AS stake,
           max((event_data ->> 'odds')::numeric) AS odds,
           max(event_data ->> 'fixture_id') AS fixture_id,
           lower(split_part(max(event_type) FILTER (WHERE version = last), '_', 4)) AS status,
           max(event_data ->> 'result') AS result,
           max((event_data ->> 'payout')::numeric) AS payout,
           max(idempotency_key) FILTER (WHERE version = 1) AS idempotency_key,
           max(version) AS version, max(position) AS position, max(timestamp) AS timestamp
    FROM (
        SELECT *, max(version) OVER (PARTITION BY tenant_id, aggregate_id) AS last
        FROM bet_events
    ) AS event
    GROUP BY 1, 2
    """,
    """
    CREATE TEMP TABLE logged_payments AS
    SELECT tenant_id, aggregate_id AS payment_id,
           lower(split_part(min(event_type), '_', 3)) AS type,
           max(event_data ->> 'user_id') AS user_id,
           max((event_data ->> 'amount')::numeric) AS amount,
           lower(split_part(max(event_type) FILTER (WHERE version = last), '_', 4)) AS status,
           max(idempotency_key) FILTER (WHERE version = 1) AS idempotency_key,
           max(version) AS version, max(position) AS position, max(timestamp) AS timestamp
    FROM (
        SELECT *, max(version) OVER (PARTITION BY tenant_id, aggregate_id) AS last
        FROM payment_events
    ) AS event
    GROUP BY 1, 2
    """,
    """
    CREATE TEMP TABLE logged_balances AS
    SELECT tenant_id, user_id, sum(change) AS balance, count(*) AS transactions,
           min(reached) AS lowest, max(version) AS version,
           max(position) AS position, max(timestamp) AS timestamp
    FROM (
        SELECT *, sum(change) OVER (PARTITION BY tenant_id, user_id ORDER BY version) AS reached
        FROM (
            SELECT tenant_id, substr(aggregate_id, 9) AS user_id, version, position, timestamp,
                   (event_data ->> 'amount')::numeric * CASE event_type
                       WHEN 'V1_BALANCES_BALANCE_INCREASED' THEN 1 ELSE -1 END AS change
            FROM balance_events
        ) AS movement
    ) AS account
    GROUP BY 1, 2
    """,
    """
    CREATE TEMP TABLE logged_users AS
    SELECT tenant_id, user_id,
           count(*) FILTER (WHERE kind = 'bet' AND status = 'placed') AS bets_placed,
           count(*) FILTER (WHERE kind = 'bet' AND status = 'confirmed') AS bets_confirmed,
           count(*) FILTER (WHERE kind = 'bet' AND status = 'settled') AS bets_settled,
           count(*) FILTER (WHERE kind = 'bet' AND status = 'cancelled') AS bets_cancelled,
           coalesce(sum(amount) FILTER (WHERE kind = 'bet' AND status <> 'cancelled'), 0)
               AS staked,
           coalesce(sum(amount) FILTER (WHERE kind = 'bet' AND status = 'settled'), 0)
               AS decided,
           coalesce(sum(payout) FILTER (WHERE result = 'win'), 0) AS won,
           coalesce(sum(amount) FILTER (WHERE result = 'loss'), 0) AS lost,
           count(*) FILTER (WHERE kind <> 'bet' AND status = 'created') AS payments_created,
           count(*) FILTER (WHERE kind <> 'bet' AND status = 'completed') AS payments_completed,
           count(*) FILTER (WHERE kind <> 'bet' AND status = 'failed') AS payments_failed,
           coalesce(sum(amount) FILTER (WHERE kind = 'deposit' AND status = 'completed'), 0)
               AS deposited,
           coalesce(sum(amount) FILTER (WHERE kind = 'withdrawal' AND status = 'completed'), 0)
               AS withdrawn,
           coalesce(sum(amount) FILTER (WHERE kind = 'balance'), 0) AS balance,
           max(position) AS position, max(timestamp) AS timestamp
    FROM (
        SELECT tenant_id, user_id, 'bet' AS kind, status, result, stake AS amount, payout,
               position, timestamp
        FROM logged_bets
        UNION ALL
        SELECT tenant_id, user_id, type, status, NULL, amount, NULL, position, timestamp
        FROM logged_payments
        UNION ALL
        SELECT tenant_id, user_id, 'balance', NULL, NULL, balance, NULL, position, timestamp
        FROM logged_balances
    ) AS account
    GROUP BY 1, 2
    """,
    "ANALYZE",
)
