"""What the registry of consents costs when it is large: ``bench/consents``, or ``make bench-consents``.

In comes a number of people, out go figures beside their goals: looking a person
up, importing and exporting lists, proving a consent, the API's pages, and how
soon files that are bombs are refused.
"""
