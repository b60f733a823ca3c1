"""Policies: each decides one thing about mail and returns a verdict.

Facts from ``relay.pipeline.contract`` enter, verdicts leave. Policies import
the contract and the pure values of ``relay.mail``, nothing else; they are
found by entry point (group ``relay.policies``) and ordered in ``relay.toml``.
"""
