"""What machines read of us: health, metrics, and the public documents by which AWS knows us."""
