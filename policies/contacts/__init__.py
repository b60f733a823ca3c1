"""Finding somebody's addresses, sites and telephone numbers in a message, however they are written.

Enters: what is looked for, and a message's content. Leaves: what was found and
where. ``places`` says where a reader, or a program on a reader's behalf, comes
upon text; ``needles`` how one contact may be written.
"""
