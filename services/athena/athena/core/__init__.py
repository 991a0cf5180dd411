"""The public Python API: the client of the local model servers and its value types."""
