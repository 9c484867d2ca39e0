"""Temporal's server: the connection, the embedded one, and what is set up on it."""
