"""What another server's answer says of an address: one table, for a reply on the wire and for a report about it.

Code, enhanced code and words go in (``answer.py``), a ``Judgement`` comes out (``table.py``). Pure: no clock, no
store, no socket. Nothing in here knows who asked; ``relay.delivery`` and ``relay.feedback`` both do.
"""
