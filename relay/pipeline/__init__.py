"""Policies: their contract, how they are found, and the chain that asks them.

Facts enter, verdicts leave. The engine knows no policy by name, and a policy
knows nothing of the engine.
"""
