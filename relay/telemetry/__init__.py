"""A message's walk as spans of OpenTelemetry, for who keeps such elsewhere; made after the fact from what happened.

Enters: events of copies that are done. Leaves: requests to a collector (OTLP by HTTP, in JSON). Never: an address, a
subject, or work on the way of a message; without ``[observe] otlp`` nothing of it runs.
"""
