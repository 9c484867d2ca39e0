"""What is known of a case: facts, forms, policy figures with their sources, money.  No I/O, no clock."""
