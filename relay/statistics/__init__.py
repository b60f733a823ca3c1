"""Statistics: what became of the mail, by hour, day, campaign, site, tag, link and class, from sums (R32, R33)."""
