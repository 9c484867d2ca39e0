"""The revisions; each is kept as it was released.

A revision leaves the tables usable by the release before it, which may go on working on them or come back: it adds, and
whatever it adds may be left out.
"""
