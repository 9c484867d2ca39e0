"""Replay recorded histories and compare what they contain."""
