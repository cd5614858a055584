"""How long and how much the store waits, whatever the database."""

BUSY_MS = 5_000
"""How long a statement waits for another's lock before we refuse."""

SILENT_SECONDS = 12.0
"""How long we wait for a word of PostgreSQL: longer than its own limits last, so that it speaks first where it can.
One that is stopped or cut off keeps no limit, and every thread would wait for as long as it is silent."""

POOL = {"pool_size": 8, "max_overflow": 56, "pool_timeout": 5, "pool_recycle": 1800, "pool_use_lifo": True}
"""As many connections as a worker has threads, and more. The one that was used last is taken first: SQLite forgets the
pages that a connection has read when another one has written, and of the others those that rest can end."""

CHECKPOINT_PAGES = 4_000
"""Pages of SQLite's log (16 MB) after which they are carried over: most are written anew by each sign-in, and are then
carried over once for many."""
