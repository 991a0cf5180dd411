"""The gateway beside LiteLLM and Portkey: what each adds to a request, in CPU, time and memory."""
