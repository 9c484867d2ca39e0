"""Which cases wait, and how many of every group."""
