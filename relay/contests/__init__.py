"""The person's word on a consent that is said to be theirs (R8b).

Enters: what somebody says on the page of a real copy, what the tenant answers, and time that passes. Leaves: a
consent that stopped at once, the tenant asked for proof, a consent that fell or stood, and how often that happens
(``rate``), for whoever judges campaigns and tenants. It never mails anybody but the tenant, never lifts anything, and
never decides whom to freeze.
"""
