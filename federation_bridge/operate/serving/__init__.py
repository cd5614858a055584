"""`federation-bridge serve`: a server that gives threads whole requests only, and the bridge on it."""
