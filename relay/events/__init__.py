"""What happened: the one writer of ``event``, and those who read behind it.

Enters: what other folders say has happened, in their transaction. Leaves: rows
in the order of their commits, and sums that followers make of them. It decides
nothing, and nobody else writes, blanks or deletes an event.
"""
