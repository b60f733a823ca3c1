"""Campaigns: which one a message belongs to, its copies' numbers, its figures (R10 to R13).

Enters: accepted messages. Leaves: records and figures for the verdict. The
queue's rows are the queue's: verdicts are carried out in ``relay.queue``.
"""
