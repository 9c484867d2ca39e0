"""The commands on single cases, and what they print."""
