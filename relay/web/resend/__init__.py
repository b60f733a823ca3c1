"""A door in the shape of Resend's API: its client libraries send by the relay once base URL and key are changed.

Enters: ``POST /emails``, ``/emails/batch`` and what belongs to them. Leaves: what ``/v1/messages`` makes of it, in
their words. Never: a way of its own to the mail process, or a field that is taken and ignored.
"""
