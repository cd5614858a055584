"""Pages for those who administer: who may what, what changes, who said so, and why somebody has what they have."""
