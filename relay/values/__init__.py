"""The words of the house: facts of a customer and a person, states of a copy, ids, times and errors.

Everybody may know them. They know nobody: plain values, no store, no clock, no
settings.
"""
