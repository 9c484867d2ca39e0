"""Drills that take long: they try to lose a case."""
