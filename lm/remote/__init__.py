"""Models behind an HTTP server, through the official SDKs."""
