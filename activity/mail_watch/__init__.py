"""The process that watches mailboxes: `manage.py watch_mailboxes`. Two connections for each idle mailbox, one thread
for each connection, so that a dead server delays nobody else; the database is reached through a few threads only.
"""
