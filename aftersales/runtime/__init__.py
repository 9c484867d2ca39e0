"""How our processes run: settings, logs, the connection to Temporal, the embedded server."""
