"""京东: its client, signing and records, and one adapter for each process that has an interface there."""
