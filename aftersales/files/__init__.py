"""Files that people write or open: YAML and JSON documents, time offsets in them, text for spreadsheets."""
