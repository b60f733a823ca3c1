"""A new relay: made in one directory, or set up as a service of the machine (user, folders, units).

In comes what a person answered (a host name, a contact); out comes a relay that can be started. Nothing that is
there is ever overwritten, and none of this is loaded by a relay that runs.
"""
