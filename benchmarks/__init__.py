"""The benchmark: what placing bets costs beside a handler that does nothing."""
