"""The commands on the ledger: months, bills, tables."""
