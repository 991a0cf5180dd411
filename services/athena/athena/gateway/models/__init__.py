"""Which models there are, where they are reached, what they can do and what they cost."""
