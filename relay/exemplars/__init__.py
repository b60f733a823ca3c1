"""What a campaign says, for the person who decides about it (R15): one exemplar, without what is personal.

Made of copies that wait, compared with each other; kept when the bodies are
gone, for complaints that come later.
"""
