"""Any OpenAI or Anthropic client in, any provider out: surfaces, routing, translation, egress."""
