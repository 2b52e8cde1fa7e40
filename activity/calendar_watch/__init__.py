"""Polling members' calendars, beside the watching of mailboxes: in some threads, so that a dead server delays nobody
else; the database is reached through few of them.
"""
