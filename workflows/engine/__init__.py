"""Everything that a running case replays: a change here can break open cases, see docs/operations.md."""
