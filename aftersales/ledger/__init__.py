"""The shop's ledger in a database: what cases expect, what platforms bill, how cases ended (SL-1)."""
