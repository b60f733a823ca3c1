"""Subscribing by form: a request, a confirmation mail, a consent (double opt-in; R2, R4, R5, R8).

Enters: what a person filled in (``ask``), and what the owner of the mailbox
answers (``answer``). Leaves: a queued letter, a consent with its proof, or the
wish never to be asked again. Works in the caller's transaction; knows neither
pages nor commands. Who asks learns nothing about an address.
"""
