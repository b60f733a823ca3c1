"""How tenants keep to the rules, and what follows when they don't (R14, R23 to R25).

Enters: what became of mail, the operator's word, the clock. Leaves: rates and
levels, warnings, freezes, terminations, each with a statement of reasons that
the tenant reads and answers. Never decides about one message.
"""
