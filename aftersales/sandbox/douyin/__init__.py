"""Douyin as it behaves towards us: records, clocks, methods, and the messages that it pushes."""
