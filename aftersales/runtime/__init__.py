"""The runtime of our processes: settings, the data folder, and rooms for HTTP, Temporal and what is told of them."""
