"""Replay of recorded histories, with their contents compared."""
