"""What a session gets from the bridge: the person's roles, and credentials in every form that AWS tools read."""
