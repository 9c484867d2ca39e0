"""The commands that run programs until Ctrl-C, and what is asked of them."""
