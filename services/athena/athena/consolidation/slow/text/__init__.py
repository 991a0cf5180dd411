"""Words, as they are shown, compared and suspected; nothing here knows of models or events."""
