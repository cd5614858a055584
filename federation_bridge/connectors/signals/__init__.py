"""What transmitters of shared signals say (SSF 1.0, CAEP, RISC): their documents and keys, and events as we read them.

An event is checked here as an ID token is; what follows from it is `provider_events`'.
"""
