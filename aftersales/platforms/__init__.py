"""Thin clients of the marketplaces' open platforms, and a scripted one for development and simulation."""
