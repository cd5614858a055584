"""Where identity providers themselves ask: no browser and no cookie is behind these requests, a signature is."""
