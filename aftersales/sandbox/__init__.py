"""A server that behaves as the four platforms towards us: for development and tests."""
