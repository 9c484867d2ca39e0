"""What every process tells of itself: its own figures for Prometheus, whether it lives, and whether it is ready."""
