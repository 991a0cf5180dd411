"""Conversations as they pass through: which one a request belongs to, its pin, its agent, its signatures."""
