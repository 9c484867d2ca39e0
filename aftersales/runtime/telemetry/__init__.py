"""Logs and traces, which say nothing of a buyer."""
