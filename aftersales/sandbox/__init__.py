"""A server that stands in for the four platforms, for development and tests."""
