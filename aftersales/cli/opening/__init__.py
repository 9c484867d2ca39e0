"""The opening of cases from files."""
