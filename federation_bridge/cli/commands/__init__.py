"""What each command does: finds the bridge and the role, asks, and hands over. One module for each family of them.

`program.py` maps names to these functions. Each takes an `Invocation` and gives an exit status. Owns the words of
success; what things mean is decided in the modules of `cli` that these join.
"""
