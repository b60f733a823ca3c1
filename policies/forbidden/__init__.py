"""Recognising offers of forbidden goods and forbidden contents in seven languages, by lists that people can edit.

Enters: what a message says. Leaves: which class of ``lists/*.toml`` it belongs
to, how surely, and by which passage. ``reading`` makes plain words of a text,
``word_lists`` reads the lists, ``matching`` finds their words and weighs them,
``model`` is one more sign, ``second_look`` weighs it beside them.
"""
