"""What a client does with cases through Temporal: find them, read them, decide, report and revive."""
