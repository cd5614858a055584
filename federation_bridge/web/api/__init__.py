"""`/api/v1`: the verbs for programs, and the document that describes them."""
