"""What it costs, side by side with the usual ways."""
