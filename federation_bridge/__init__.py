"""Identity federation into AWS. Importing this package costs nothing: the command line's speed depends on it."""

__version__ = "0.1.0"
