"""Everything around the core: ways in, marketplaces, simulation, ledger, notifications, and what puts them together."""
