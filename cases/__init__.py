"""The cases: facts, forms, figures with their sources, money, and the ports of activities.  No I/O, no clock."""
