"""Opening cases from files: case files, and exports of back offices read through a mapping of their headers."""
