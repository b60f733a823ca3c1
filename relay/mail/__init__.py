"""Pure values of mail: addresses, statuses, scanned messages, templates, reports.

Bytes and text enter, frozen values leave. Nothing in here opens a socket, a
file or a database, reads the clock, or knows a tenant.
"""
