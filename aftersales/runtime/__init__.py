"""The runtime of our processes: settings, the data folder, and rooms for HTTP, Temporal, clients, encryption, logs."""
