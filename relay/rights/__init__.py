"""What people may ask for, and how long things are kept: erasure and retention (R26, R27).

Enters: requests and the clock. Leaves: what is gone, with the hashes that stay.
It asks each owner to forget; it decides about no mail.
"""
