"""The HTTP side: what may come in, what it may say, and what is answered."""
