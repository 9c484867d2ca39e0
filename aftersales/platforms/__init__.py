"""The marketplaces' open platforms: a package for each, and what they share.

A new marketplace is a package with a ``marketplace`` module; a new process on one is a module with an ``Adapter``.
"""
