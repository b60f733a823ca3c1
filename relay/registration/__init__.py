"""Registering for an account: what is asked, the address confirmed, admitting and refusing, invitations (R32).

Enters: a form, the click on a link, the operator's word. Leaves: a tenant on the free
plan with its owner's log-in, or nothing after a while. A page tells nobody who
has an account: only letters to the mailbox itself say more.
"""
