"""The commands that keep what a machine has: backups and keys."""
