"""A second opinion on the money: sums over the event tables beside sums over the views.

Plain SQL that an auditor can read and run by hand. It shares nothing with the folds, which go
event by event in Python, so that a mistake in one of them does not hide in the other.
"""

from typing import Final

from sqlalchemy import TextClause, text

# What each bet, payment and movement comes to, by their events alone.
_ENTRIES: Final = """
WITH bet AS (
    SELECT aggregate_id AS bet_id, max(position) AS position,
           max(event_data ->> 'user_id') AS user_id,
           max((event_data ->> 'stake')::numeric) AS stake,
           coalesce(max((event_data ->> 'payout')::numeric), 0) AS payout,
           coalesce(max(event_data ->> 'result'), '') AS result,
           bool_or(event_type = 'V1_BETS_BET_CONFIRMED') AS confirmed,
           bool_or(event_type = 'V1_BETS_BET_SETTLED') AS settled,
           bool_or(event_type = 'V1_BETS_BET_CANCELLED') AS cancelled
    FROM bet_events WHERE tenant_id = :tenant_id GROUP BY aggregate_id
), payment AS (
    SELECT aggregate_id AS payment_id, max(position) AS position,
           max(event_data ->> 'user_id') AS user_id,
           max((event_data ->> 'amount')::numeric) AS amount,
           bool_or(event_type LIKE 'V1_PAYMENTS_DEPOSIT_%') AS deposit,
           bool_or(event_type LIKE '%_COMPLETED') AS completed,
           bool_or(event_type LIKE '%_FAILED') AS failed
    FROM payment_events WHERE tenant_id = :tenant_id GROUP BY aggregate_id
), movement AS (
    SELECT position, version, event_data ->> 'user_id' AS user_id,
           coalesce(event_data ->> 'bet_id', event_data ->> 'payment_id') AS cause,
           (event_data ->> 'amount')::numeric * CASE event_type
               WHEN 'V1_BALANCES_BALANCE_INCREASED' THEN 1 ELSE -1 END AS amount
    FROM balance_events WHERE tenant_id = :tenant_id
)
"""

USERS: Final[TextClause] = text(
    _ENTRIES  # noqa: S608 -- all of it is constant
    + """
, due AS (
    SELECT user_id, max(position) AS position,
           sum(bets) AS bets, sum(staked) AS staked, sum(won) AS won, sum(lost) AS lost,
           sum(deposited) AS deposited, sum(withdrawn) AS withdrawn, sum(balance) AS balance,
           sum(movements) AS movements
    FROM (
        SELECT user_id, position,
               CASE WHEN cancelled THEN 0 ELSE 1 END AS bets,
               CASE WHEN cancelled THEN 0 ELSE stake END AS staked,
               CASE result WHEN 'win' THEN payout ELSE 0 END AS won,
               CASE result WHEN 'loss' THEN stake ELSE 0 END AS lost,
               0 AS deposited, 0 AS withdrawn, 0 AS balance, 0 AS movements
        FROM bet
        UNION ALL
        SELECT user_id, position, 0, 0, 0, 0,
               CASE WHEN completed AND deposit THEN amount ELSE 0 END,
               CASE WHEN completed AND NOT deposit THEN amount ELSE 0 END, 0, 0
        FROM payment
        UNION ALL
        SELECT user_id, position, 0, 0, 0, 0, 0, 0, amount, 1 FROM movement
    ) AS entry
    GROUP BY user_id
)
SELECT pair.table_name, user_id AS key, due.position, pair.column_name,
       coalesce(pair.due, 0)::text AS due, coalesce(pair.found, 0)::text AS found
FROM due
FULL JOIN (SELECT * FROM user_activity_view WHERE tenant_id = :tenant_id) AS activity
    USING (user_id)
FULL JOIN (SELECT * FROM user_balances_view WHERE tenant_id = :tenant_id) AS account
    USING (user_id)
CROSS JOIN LATERAL (VALUES
    ('user_activity_view', 'bets', due.bets::numeric, activity.bets::numeric),
    ('user_activity_view', 'staked', due.staked, activity.staked),
    ('user_activity_view', 'won', due.won, activity.won),
    ('user_activity_view', 'lost', due.lost, activity.lost),
    ('user_activity_view', 'deposited', due.deposited, activity.deposited),
    ('user_activity_view', 'withdrawn', due.withdrawn, activity.withdrawn),
    ('user_balances_view', 'balance', due.balance, account.balance),
    ('user_balances_view', 'transaction_count', due.movements, account.transaction_count::numeric)
) AS pair (table_name, column_name, due, found)
WHERE coalesce(pair.due, 0) <> coalesce(pair.found, 0)
ORDER BY due.position, user_id
LIMIT 1
"""
)
"""What the views say of each user beside what his events come to."""

TENANT: Final[TextClause] = text(
    _ENTRIES  # noqa: S608 -- all of it is constant
    + """
, of_bets AS (
    SELECT count(*) FILTER (WHERE NOT (confirmed OR settled OR cancelled)) AS placed,
           count(*) FILTER (WHERE confirmed AND NOT (settled OR cancelled)) AS confirmed,
           count(*) FILTER (WHERE settled) AS settled,
           count(*) FILTER (WHERE cancelled) AS cancelled,
           sum(stake) FILTER (WHERE NOT cancelled) AS turnover,
           sum(payout) AS payouts,
           sum(stake - payout) FILTER (WHERE settled) AS revenue,
           sum(stake) FILTER (WHERE result = 'loss') AS lost
    FROM bet
), of_payments AS (
    SELECT count(*) FILTER (WHERE NOT (completed OR failed)) AS created,
           count(*) FILTER (WHERE completed) AS completed,
           count(*) FILTER (WHERE failed) AS failed,
           sum(amount) FILTER (WHERE completed AND deposit) AS deposits,
           sum(amount) FILTER (WHERE completed AND NOT deposit) AS withdrawals
    FROM payment
), of_balances AS (
    SELECT sum(amount) AS balances FROM movement
), bets AS (
    SELECT count(*) FILTER (WHERE status = 'placed') AS placed,
           count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
           count(*) FILTER (WHERE status = 'settled') AS settled,
           count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
           sum(stake) FILTER (WHERE status <> 'cancelled') AS turnover,
           sum(payout) AS payouts,
           sum(stake - payout) FILTER (WHERE status = 'settled') AS revenue
    FROM bets_view WHERE tenant_id = :tenant_id
), payments AS (
    SELECT count(*) FILTER (WHERE status = 'created') AS created,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           sum(amount) FILTER (WHERE status = 'completed' AND type = 'deposit') AS deposits,
           sum(amount) FILTER (WHERE status = 'completed' AND type = 'withdrawal') AS withdrawals
    FROM payments_view WHERE tenant_id = :tenant_id
), accounts AS (
    SELECT sum(balance) AS balances FROM user_balances_view WHERE tenant_id = :tenant_id
), summary AS (
    SELECT * FROM (SELECT) AS one
    LEFT JOIN tenants_summary_view ON tenant_id = :tenant_id
)
SELECT pair.table_name, '' AS key, summary.last_position AS position, pair.column_name,
       coalesce(pair.due, 0)::text AS due, coalesce(pair.found, 0)::text AS found
FROM of_bets, of_payments, of_balances, bets, payments, accounts, summary
CROSS JOIN LATERAL (VALUES
    ('bets_view', 'status', of_bets.placed::numeric, bets.placed::numeric),
    ('bets_view', 'status', of_bets.confirmed, bets.confirmed),
    ('bets_view', 'status', of_bets.settled, bets.settled),
    ('bets_view', 'status', of_bets.cancelled, bets.cancelled),
    ('bets_view', 'stake', of_bets.turnover, bets.turnover),
    ('bets_view', 'payout', of_bets.payouts, bets.payouts),
    ('bets_view', 'payout', of_bets.revenue, bets.revenue),
    ('payments_view', 'status', of_payments.created, payments.created),
    ('payments_view', 'status', of_payments.completed, payments.completed),
    ('payments_view', 'status', of_payments.failed, payments.failed),
    ('payments_view', 'amount', of_payments.deposits, payments.deposits),
    ('payments_view', 'amount', of_payments.withdrawals, payments.withdrawals),
    ('user_balances_view', 'balance', of_balances.balances, accounts.balances),
    ('tenants_summary_view', 'bets_placed', of_bets.placed, summary.bets_placed),
    ('tenants_summary_view', 'bets_confirmed', of_bets.confirmed, summary.bets_confirmed),
    ('tenants_summary_view', 'bets_settled', of_bets.settled, summary.bets_settled),
    ('tenants_summary_view', 'bets_cancelled', of_bets.cancelled, summary.bets_cancelled),
    ('tenants_summary_view', 'turnover', of_bets.turnover, summary.turnover),
    ('tenants_summary_view', 'payouts', of_bets.payouts, summary.payouts),
    ('tenants_summary_view', 'gross_gaming_revenue', of_bets.revenue,
     summary.gross_gaming_revenue),
    ('tenants_summary_view', 'payments_created', of_payments.created, summary.payments_created),
    ('tenants_summary_view', 'payments_completed', of_payments.completed,
     summary.payments_completed),
    ('tenants_summary_view', 'payments_failed', of_payments.failed, summary.payments_failed),
    ('tenants_summary_view', 'deposits', of_payments.deposits, summary.deposits),
    ('tenants_summary_view', 'withdrawals', of_payments.withdrawals, summary.withdrawals),
    ('tenants_summary_view', 'balances', of_balances.balances, summary.balances)
) AS pair (table_name, column_name, due, found)
WHERE coalesce(pair.due, 0) <> coalesce(pair.found, 0)
LIMIT 1
"""
)
"""The totals of each view beside what all events come to."""

MOVEMENTS: Final[TextClause] = text(
    _ENTRIES  # noqa: S608 -- all of it is constant
    + """
, due AS (
    SELECT payment_id AS cause, position, true AS always,
           CASE WHEN deposit THEN 0 ELSE amount END AS taken,
           CASE WHEN CASE WHEN deposit THEN completed ELSE failed END
               THEN amount ELSE 0 END AS given
    FROM payment
    UNION ALL
    SELECT bet_id, position, false, stake, CASE WHEN cancelled THEN stake ELSE payout END
    FROM bet
), moved AS (
    SELECT cause, max(position) AS position,
           coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS taken,
           coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS given
    FROM movement GROUP BY cause
)
SELECT 'balance_events' AS table_name, cause AS key,
       coalesce(moved.position, due.position) AS position, pair.column_name,
       coalesce(pair.due, 0)::text AS due, coalesce(pair.found, 0)::text AS found
FROM due
FULL JOIN moved USING (cause)
JOIN tenants ON tenants.id = :tenant_id
CROSS JOIN LATERAL (VALUES
    ('amount taken', due.taken, coalesce(moved.taken, 0), false),
    ('amount given', due.given, coalesce(moved.given, 0),
     tenants.wallet = 'internal' AND moved.taken > 0)
) AS pair (column_name, due, found, required)
WHERE coalesce(pair.due, 0) <> pair.found
    AND (always IS NOT FALSE OR pair.found <> 0 OR pair.required)
ORDER BY position, cause
LIMIT 1
"""
)
"""What balances were moved by beside what the bets and payments that moved them come to.

A payment moves its amount, no more and no less. A bet moves its stake or nothing, as the tenant's
wallet was internal or external when it was placed; what an internal wallet has taken it gives
back when the bet is cancelled, and it pays what was won.
"""

BELOW_ZERO: Final[TextClause] = text(
    _ENTRIES  # noqa: S608 -- all of it is constant
    + """
SELECT 'balance_events' AS table_name, user_id AS key, position, 'amount' AS column_name,
       '0 or more' AS due, balance::text AS found
FROM (
    SELECT *, sum(amount) OVER (PARTITION BY user_id ORDER BY version) AS balance FROM movement
) AS account
WHERE balance < 0
ORDER BY position
LIMIT 1
"""
)
"""The first movement that left a user with less than nothing."""

RULES: Final = (USERS, TENANT, MOVEMENTS, BELOW_ZERO)
"""Each gives the first fault that it finds, or nothing: `table_name`, `key`, `position`,
`column_name`, and as texts what is `due` and what was `found`. Parameter `tenant_id`."""
