"""The runtime of our processes: settings, logs, HTTP, the connection to Temporal and the embedded server."""
