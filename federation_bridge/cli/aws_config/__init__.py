"""The person's files of AWS profiles: what stands there, what we write there, and what AWS tools make of it."""
