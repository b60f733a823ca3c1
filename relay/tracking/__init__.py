"""Openings and clicks (R33): who agreed to be tracked, what each copy carries, what was hit, and by whom or what.

Enters: persons' consents to tracking, copies about to leave, requests of
pictures and links. Leaves: slot values, redirects' targets, events and sums in
which machines are told apart. It tracks nobody who didn't agree, and decides
about no mail.
"""
