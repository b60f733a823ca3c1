"""The brake on a stolen log-in: mail that a log-in suddenly sends otherwise than ever before is held (R24, R28).

Enters: who sent how much, from where, to whom, with what content. Leaves: what
each log-in usually does; where it is used by another, a brake with a statement
of reasons, until the tenant or the operator lets go what is held or drops it.
Never loses mail, and never decides about a log-in without a history but where
many networks use it at once.
"""
