"""The migrations of the ledger's tables."""
