"""The benchmark: what the ledger takes beside a handler that does nothing, and one by hand."""
