-- What is held, by what holds it (relay/queue/sites.py): read from the index alone, not copy by copy.
DROP INDEX recipient_held;
CREATE INDEX recipient_held ON recipient (campaign_id, held_by, hold_reason) WHERE state = 1;
