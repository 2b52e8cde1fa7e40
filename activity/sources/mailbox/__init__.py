"""Mail of members' mailboxes. Headers decide first; the body is asked for only where it may be logged.

`letters` is what comes in, `reports` turns it into what the pipeline takes, `wanted` decides about bodies, `writing`
writes a batch down. What was captured, what stands aside and how far the folder was read is written in one
transaction, under the lease of the process that read it: after any crash the same mail is read again and nothing is
written twice.
"""
