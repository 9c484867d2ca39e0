"""File formats that people write or open: YAML and JSON documents, time offsets in them, CSV for spreadsheets."""
