"""What bodies and answers look like on the wire."""
