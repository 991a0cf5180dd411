"""What runs later: the queue that wakes the workers and keeps the schedules."""
