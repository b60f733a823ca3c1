"""The short form of ``python -m tests.fuzz.mail``."""

from tests.fuzz.mail import corpus, one, run


def test_all_samples_unmutated() -> None:
    for message in corpus():
        one(message)


def test_mutated_messages() -> None:
    assert run(400, 20261123)["done"] > 0
