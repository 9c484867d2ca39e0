"""What touches the world: platform calls, console tasks, ledger entries, notices.  Idempotent, by key."""
