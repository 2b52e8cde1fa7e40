"""Runs the queue's workers and restarts them when they hang: `python -m config.queue_watchdog`.

django-q2's cluster survives most deaths of its processes, but not every one: a worker that is killed while it
waits for work (by the kernel for want of memory, say) takes the lock of the cluster's inner queue along.
From then on no task starts, no error is shown, and a stop hangs too. So the cluster runs as a process group
under a watchdog, to which its processes report over a pipe, and the watchdog kills and replaces the group.
"""
