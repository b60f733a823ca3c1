"""What policies notice, kept over restarts and told to their copies in the other mail processes.

Enters: policies' notes, octets of a form of their own. Leaves: rows in batches
beside the mail, each read once by every other process. Never knows what a note
says, and never holds up a message: what a process that is killed had not
written yet is forgotten.
"""
