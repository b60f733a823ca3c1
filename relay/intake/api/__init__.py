"""The door for messages of the HTTP API, in the mail process: what comes in by it goes the way of SMTP's transactions.

In: what the HTTP process hands over (``handed``), complete messages. Out: what became of them, after the commit.
Never: a way of its own past the policies, or a connection from outside.
"""
