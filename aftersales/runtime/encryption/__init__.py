"""The encryption of what Temporal stores, and its keys."""
