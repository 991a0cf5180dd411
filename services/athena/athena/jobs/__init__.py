"""What runs later: the queue that wakes the worker and keeps the schedules, and the worker itself."""
