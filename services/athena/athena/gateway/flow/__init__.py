"""A request's way through the gateway, step by step, and the answer's way back."""
