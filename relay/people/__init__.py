"""Persons on tenants' lists: consents with their proof, withdrawals, suppressions, spellings of a mailbox, profiles.

Enters: what a person said, and what came back about the mailbox. Leaves: one
person's standing with a tenant. It sends nothing and reads no file.
"""
