"""How long and how much the store waits, whatever the database."""

BUSY_MS = 5_000
"""How long a statement waits for another's lock before we refuse."""

POOL = {"pool_size": 8, "max_overflow": 56, "pool_timeout": 5, "pool_recycle": 1800}
"""As many connections as a worker has threads, and more."""
