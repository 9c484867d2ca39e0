"""抖店: its marketplace, client, signing and records, and an adapter for each process with an interface there."""
