"""The ways to log in on the desk, beside that of one user."""
