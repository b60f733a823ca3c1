"""Copying a whole store into another one, of whatever engine, with the relay stopped.

Enters: two addresses (``relay.store.engines``). Leaves: the same rows there, counted and compared by digest, and ids
that go on behind those that were ever given. Never: half a copy that a relay could start on.
"""
