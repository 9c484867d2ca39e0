"""Notifications of a shop's operators: notices, channels and their delivery."""
