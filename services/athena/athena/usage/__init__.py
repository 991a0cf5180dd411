"""What each request used, cost and saved."""
