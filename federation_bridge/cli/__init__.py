"""The person's terminal, `fedbridge`. Speaks HTTP to the bridge; needs nothing that has to be compiled."""
