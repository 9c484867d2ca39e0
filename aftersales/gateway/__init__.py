"""What platforms tell us: messages verified, kept, and handed over to their cases."""
