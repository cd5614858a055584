"""Stock AWS clients, unmodified, against the real server."""
