"""The tools: what an agent can do with Athena."""
