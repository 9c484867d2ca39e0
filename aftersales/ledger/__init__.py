"""The shops' ledger: what cases expect, what platforms bill, how cases ended (SL-1)."""
