"""How long a test waits for what should come at once."""

PATIENCE_SECONDS = 100.0
"""A machine may stand still for a minute, and an activity that dies with its worker is tried again after 30 s."""
