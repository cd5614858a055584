"""`python -m federation_bridge.operate` is `federation-bridge`."""

from federation_bridge.operate.entry import main

main()
