"""Webhooks: applications are called of their events (Standard Webhooks 1.0).

Enters: the stream of events. Leaves: signed requests to tenants' servers, each
event at least once, and a log of what they answered. It never changes what it
tells of, never goes where a tenant's word must not lead, and waits for nobody
but the one it calls.
"""
