"""Where activities come from: each source turns its input into Captured values and calls capture."""
