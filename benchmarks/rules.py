"""What must hold of the ledger, whatever the load was: its tables beside the oracle's."""

from typing import Final

# Each query counts the rows that break the rule.
RULES: Final = {
    "positions are dense": """
        SELECT count(*) FROM (
            SELECT FROM logged_events GROUP BY tenant_id
            HAVING min(position) <> 1 OR max(position) <> count(*)
                OR count(DISTINCT position) <> count(*)
        ) AS broken
    """,
    "versions are dense": """
        SELECT count(*) FROM (
            SELECT FROM logged_events GROUP BY tenant_id, stream, aggregate_id
            HAVING min(version) <> 1 OR max(version) <> count(*)
        ) AS broken
    """,
    "time does not go back": """
        SELECT count(*) FROM (
            SELECT timestamp, lag(timestamp) OVER (PARTITION BY tenant_id ORDER BY position)
                AS before
            FROM logged_events
        ) AS event WHERE timestamp < before
    """,
    "heads are at the last event": """
        SELECT count(*)
        FROM tenant_heads AS head
        FULL JOIN (
            SELECT tenant_id, max(position) AS position, max(timestamp) AS timestamp
            FROM logged_events GROUP BY 1
        ) AS log USING (tenant_id)
        WHERE (head.position, head.last_timestamp)
            IS DISTINCT FROM (coalesce(log.position, 0), coalesce(log.timestamp, 0))
    """,
    "bets are what their events say": """
        SELECT count(*)
        FROM bets_view AS bet FULL JOIN logged_bets AS log USING (tenant_id, bet_id)
        WHERE (bet.user_id, bet.stake, bet.odds, bet.fixture_id, bet.status, bet.result,
               bet.payout, bet.idempotency_key, bet.version, bet.last_position,
               extract(epoch FROM bet.last_updated_at) * 1000)
            IS DISTINCT FROM
              (log.user_id, log.stake, log.odds, log.fixture_id, log.status, log.result,
               log.payout, log.idempotency_key, log.version, log.position, log.timestamp)
    """,
    "payments are what their events say": """
        SELECT count(*)
        FROM payments_view AS payment
        FULL JOIN logged_payments AS log USING (tenant_id, payment_id)
        WHERE (payment.type, payment.user_id, payment.amount, payment.status,
               payment.idempotency_key, payment.version, payment.last_position,
               extract(epoch FROM payment.last_updated_at) * 1000)
            IS DISTINCT FROM
              (log.type, log.user_id, log.amount, log.status,
               log.idempotency_key, log.version, log.position, log.timestamp)
    """,
    "balances are the sums of their events": """
        SELECT count(*)
        FROM user_balances_view AS account
        FULL JOIN logged_balances AS log USING (tenant_id, user_id)
        WHERE (account.balance, account.transaction_count, account.version,
               account.last_position, extract(epoch FROM account.last_transaction_at) * 1000)
            IS DISTINCT FROM
              (log.balance, log.transactions, log.version, log.position, log.timestamp)
    """,
    "no balance was ever negative": "SELECT count(*) FROM logged_balances WHERE lowest < 0",
    "balances are what bets and payments left": """
        SELECT count(*)
        FROM user_balances_view AS account
        FULL JOIN (
            SELECT tenant_id, user_id, sum(change) AS balance
            FROM (
                SELECT tenant_id, user_id, amount * CASE
                    WHEN (type, status) = ('deposit', 'completed') THEN 1
                    WHEN type = 'withdrawal' AND status <> 'failed' THEN -1
                    ELSE 0 END AS change
                FROM logged_payments
                UNION ALL
                SELECT bet.tenant_id, bet.user_id, coalesce(bet.payout, 0)
                    - CASE bet.status WHEN 'cancelled' THEN 0 ELSE bet.stake END
                FROM logged_bets AS bet
                JOIN tenants ON tenants.id = bet.tenant_id AND tenants.wallet = 'internal'
            ) AS cause
            GROUP BY 1, 2
        ) AS due USING (tenant_id, user_id)
        WHERE coalesce(account.balance, 0) <> coalesce(due.balance, 0)
    """,
    "keys lead to what their commands did": """
        SELECT count(*)
        FROM idempotency_keys AS taken
        FULL JOIN (
            SELECT tenant_id, idempotency_key,
                   min(coalesce(cause, aggregate_id)) AS resource_id,
                   max(coalesce(cause, aggregate_id)) AS other_id,
                   CASE min(version) FILTER (WHERE stream <> 'balance') WHEN 1 THEN 201
                       ELSE 200 END AS status
            FROM logged_events GROUP BY 1, 2
        ) AS command USING (tenant_id, idempotency_key)
        WHERE CASE WHEN taken.status >= 400 THEN command.status IS NOT NULL
            ELSE (taken.resource_id, taken.resource_id, taken.status)
                IS DISTINCT FROM (command.resource_id, command.other_id, command.status) END
    """,
    "users' activity adds up": """
        SELECT count(*)
        FROM user_activity_view AS activity
        FULL JOIN logged_users AS log USING (tenant_id, user_id)
        WHERE (activity.bets, activity.bets_placed, activity.bets_confirmed,
               activity.bets_settled, activity.bets_cancelled,
               activity.staked, activity.won, activity.lost,
               activity.payments_created, activity.payments_completed, activity.payments_failed,
               activity.deposited, activity.withdrawn, activity.last_position,
               extract(epoch FROM activity.last_active_at) * 1000)
            IS DISTINCT FROM
              (log.bets_placed + log.bets_confirmed + log.bets_settled, log.bets_placed,
               log.bets_confirmed, log.bets_settled, log.bets_cancelled,
               log.staked, log.won, log.lost,
               log.payments_created, log.payments_completed, log.payments_failed,
               log.deposited, log.withdrawn, log.position, log.timestamp)
    """,
    "summaries add up": """
        SELECT count(*)
        FROM tenants_summary_view AS summary
        FULL JOIN (
            SELECT tenant_id, sum(bets_placed) AS placed, sum(bets_confirmed) AS confirmed,
                   sum(bets_settled) AS settled, sum(bets_cancelled) AS cancelled,
                   sum(staked) AS staked, sum(won) AS won, sum(decided) AS decided,
                   sum(payments_created) AS created, sum(payments_completed) AS completed,
                   sum(payments_failed) AS failed, sum(deposited) AS deposited,
                   sum(withdrawn) AS withdrawn, sum(balance) AS balance,
                   max(position) AS position, max(timestamp) AS timestamp
            FROM logged_users GROUP BY 1
        ) AS log USING (tenant_id)
        WHERE (summary.bets_placed, summary.bets_confirmed, summary.bets_settled,
               summary.bets_cancelled, summary.turnover, summary.payouts,
               summary.gross_gaming_revenue, summary.payments_created,
               summary.payments_completed, summary.payments_failed, summary.deposits,
               summary.withdrawals, summary.balances, summary.last_position,
               extract(epoch FROM summary.last_updated_at) * 1000)
            IS DISTINCT FROM
              (log.placed, log.confirmed, log.settled, log.cancelled, log.staked, log.won,
               log.decided - log.won, log.created, log.completed, log.failed, log.deposited,
               log.withdrawn, log.balance, log.position, log.timestamp)
    """,
}
