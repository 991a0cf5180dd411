"""How clients speak to the gateway: paths, requests, errors, in Anthropic's and OpenAI's formats."""
