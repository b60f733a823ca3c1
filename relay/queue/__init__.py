"""The queue's schedule: enqueue, lease, complete, and the administrator's view.

A recipient's row is the unit: it is READY, leased (READY with an owner), HELD
or final. Every step is one all-or-nothing write; nothing in here sends mail.
"""
