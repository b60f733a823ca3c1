"""The channel by mail: routes and sites, sessions with pipelining, own copies, signatures, what replies mean.

Enters: attempts. Leaves: exactly one outcome for each that was not withdrawn.
It decides no retry time of a copy and writes no row.
"""
