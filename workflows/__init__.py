"""The interpreter of any chart as a Temporal workflow, and one small module a process."""
