"""What comes back: bounces, complaints and unsubscribes by mail.

Enters: mail to the signed addresses that the relay itself gave out (reverse
paths and unsubscribe addresses), on the inbound port. Leaves: events,
suppressions and withdrawals. It never sends anything, and never takes mail
for any other address.
"""
