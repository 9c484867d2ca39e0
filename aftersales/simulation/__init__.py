"""Scenarios played under virtual time with the real workflow, worker and activities."""
