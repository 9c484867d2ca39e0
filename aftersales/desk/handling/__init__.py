"""What a clerk may read and do in a case, however a page shows it."""
