"""The engine: what a running case replays.  A change here can break open cases; see docs/operations.md."""
