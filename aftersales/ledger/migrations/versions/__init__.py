"""The revisions; each is kept as it was released."""
