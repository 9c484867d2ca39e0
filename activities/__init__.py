"""The activities: platform calls, console tasks, ledger entries, notifications.  They are idempotent by key."""
