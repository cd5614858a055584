"""The session on this computer: how a person signs in, where it is kept, how it is renewed and how it ends."""
