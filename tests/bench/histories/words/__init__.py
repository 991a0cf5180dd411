"""Word material: what the generators fill their sentences with."""
