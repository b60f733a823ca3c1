"""The way in: SMTP sessions, authentication, and the one place that sends ``250``.

Bytes enter from sockets; accepted submissions leave as one commit. Nothing in
here decides about mail (the pipeline does) or sends any (delivery does).
"""
