"""Opening cases from files: case files, and exports of back offices read by a mapping of their columns."""
