"""What the activity app does on news from workspaces and integrations."""
