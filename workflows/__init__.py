"""The workflows: one engine that runs any chart as a Temporal workflow, and a small module for every process."""
