"""What comes back: bounces, complaints and unsubscribes by mail.

Enters: mail to the signed addresses that the relay itself gave out (reverse
paths and unsubscribe addresses), to those that feedback loops were told, and to
``postmaster@`` and ``abuse@``, on the inbound port. Leaves: events, suppressions
and withdrawals; letters to the operator, and one to a person who is asked
whether it was really her. Nobody who writes is answered, and no mail is taken
for any other address.
"""
