"""Batches: one rule on many cases, previewed first."""
