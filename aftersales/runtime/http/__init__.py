"""HTTP both ways: the calls of platforms, and the servers that receive calls."""
