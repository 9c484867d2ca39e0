"""Messages from marketplaces: verified, stored, and dispatched to their cases."""
