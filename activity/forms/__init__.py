"""What people fill in on the pages of the activity app, one module a subject."""
