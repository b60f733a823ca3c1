-- Complaints are counted over the sites that report them; who is to decide is called again when the term is over.
ALTER TABLE campaign ADD COLUMN blind INTEGER NOT NULL DEFAULT 0;      -- delivered at sites that report no complaints
ALTER TABLE campaign ADD COLUMN asked_at REAL;                         -- when it was left to people; NULL: it isn't
ALTER TABLE campaign ADD COLUMN called_next INTEGER NOT NULL DEFAULT 0; -- 1: the next were called too
CREATE INDEX campaign_leaving ON campaign (decided_at) WHERE state = 'released';
UPDATE campaign SET asked_at = last_at WHERE state IN ('stopped', 'undecided');
