"""The rules of the ledger: aggregates, their events and commands, and the refusals; pure."""
