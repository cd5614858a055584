"""Pages: what a person reads and presses in a browser."""
