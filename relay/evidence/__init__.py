"""Evidence for authorities and anti-spam bodies: bundles that stand alone, and the abused part of a list (R24).

Enters: a tenant, a campaign, a ground and a reference. Leaves: files, each of
them on record. Never decides about the tenant.
"""
