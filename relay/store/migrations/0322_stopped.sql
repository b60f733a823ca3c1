-- Who has a suppression, so that a tenant's are walked by address without looking at all people, or at all others'
-- suppressions (relay/people/suppressions.py).
ALTER TABLE subscriber ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;   -- 1: see suppression; kept by these triggers
UPDATE subscriber SET stopped = 1 WHERE id IN (SELECT subscriber_id FROM suppression);
CREATE INDEX subscriber_stopped ON subscriber (tenant_id, address) WHERE stopped = 1;

CREATE TRIGGER suppression_stops AFTER INSERT ON suppression
BEGIN
    UPDATE subscriber SET stopped = 1 WHERE id = NEW.subscriber_id AND stopped = 0;
END;
CREATE TRIGGER suppression_frees AFTER DELETE ON suppression
BEGIN
    UPDATE subscriber SET stopped = 0 WHERE id = OLD.subscriber_id
     AND NOT EXISTS (SELECT 1 FROM suppression WHERE subscriber_id = OLD.subscriber_id);
END;
-- What is held, once more with all that is asked for, so that it is read from the index alone.
DROP INDEX recipient_held;
CREATE INDEX recipient_held ON recipient (campaign_id, held_by, hold_reason, state) WHERE state = 1;
