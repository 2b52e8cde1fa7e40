"""Whole installations of real processes under every fault: `make faults`.

What counts is what stands in Salesforce at the end: each activity that was accepted exactly once there, or in the
log with a reason, however its way was disturbed. Times run about 75 times as fast as in production, all in the same
proportion (settings.py, scaled.py), so that the quarantine after a lost answer takes seconds.
"""
