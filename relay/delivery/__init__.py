"""The way out: one copy to its recipient's server.

Enters: an ``Attempt`` (address, and how to make its bytes when a connection is
ready). Leaves: exactly one ``Outcome`` for each attempt that was not withdrawn.
Never touches the queue's rows, decides no retry times of a copy, writes no DSN.
"""
