"""Pages for the people who get mail: unsubscribe, preferences, report, forms and their confirmation.

Enters: signed links and forms. Leaves: withdrawals, complaints, requests. A GET
changes nothing, and no page tells who else is known.
"""
