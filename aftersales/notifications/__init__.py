"""How the shop's operators are told: what is said, through which channels, when, and each thing once."""
