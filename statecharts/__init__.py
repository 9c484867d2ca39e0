"""The rule books: one chart a process, and the vocabulary they are written in."""
