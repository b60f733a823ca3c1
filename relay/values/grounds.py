"""What may free a stream from consent (R1): words that the log, footers and proofs use."""

from __future__ import annotations

from typing import Final

CONTRACT: Final = "contract"
EXISTING_CUSTOMER: Final = "existing-customer"
GROUNDS: Final = (CONTRACT, "legal-duty", "membership", "employment", EXISTING_CUSTOMER)
CUSTOMERS_WHERE: Final = ("ee",)
"""Profiles of countries whose law lets a tenant write to its customers about what is like what they bought."""
