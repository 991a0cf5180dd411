"""What consolidation is held to: what it finds where the truth is known, what it costs, what a recall notices."""
