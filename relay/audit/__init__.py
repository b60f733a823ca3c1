"""The audit log (R31): a Merkle tree over what proves consents, withdrawals, verdicts and administrators' actions.

Enters: a record, bound to a leaf in the transaction that writes it (``log``).
Leaves: signed heads (``heads``), proofs (``prove``, ``document``), and what is
wrong if anything was changed (``verify``). One sequencer builds the tree,
off the way that mail takes. Nothing here is ever changed afterwards; erasing
a person takes the salt and the data, and leaves the commitment.
"""
