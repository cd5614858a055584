"""Other projects' real software on the other end."""
