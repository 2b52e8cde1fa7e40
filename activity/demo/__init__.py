"""What a newcomer finds in the demo: a team, its connections, and a few days of conversations."""
