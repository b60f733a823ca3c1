-- The mark counts for all spellings of a mailbox: what stops one stops the others, and looking for them cost a page of
-- the index by mailbox at every RCPT.

-- Each person with all spellings of its mailbox, itself among them.
CREATE VIEW spelling AS
SELECT id AS subscriber_id, id AS other_id FROM subscriber
UNION ALL
SELECT s.id, o.id FROM subscriber s JOIN subscriber o ON o.tenant_id = s.tenant_id AND o.mailbox = s.mailbox
 WHERE s.mailbox IS NOT NULL AND o.id <> s.id;

UPDATE consent SET suppressed = 1 WHERE subscriber_id IN (
    SELECT x.other_id FROM suppression p JOIN spelling x ON x.subscriber_id = p.subscriber_id
);

DROP TRIGGER suppression_begins;
CREATE TRIGGER suppression_begins AFTER INSERT ON suppression
BEGIN
    UPDATE consent SET suppressed = 1
     WHERE subscriber_id IN (SELECT other_id FROM spelling WHERE subscriber_id = NEW.subscriber_id);
END;
DROP TRIGGER suppression_ends;
CREATE TRIGGER suppression_ends AFTER DELETE ON suppression
BEGIN
    UPDATE consent SET suppressed = EXISTS (
        SELECT 1 FROM spelling x JOIN suppression p ON p.subscriber_id = x.other_id
         WHERE x.subscriber_id = consent.subscriber_id
    ) WHERE subscriber_id IN (SELECT other_id FROM spelling WHERE subscriber_id = OLD.subscriber_id);
END;
-- Asked for each line of an import, so without the view.
DROP TRIGGER consent_of_suppressed;
CREATE TRIGGER consent_of_suppressed AFTER INSERT ON consent
WHEN EXISTS (SELECT 1 FROM suppression WHERE subscriber_id = NEW.subscriber_id) OR EXISTS (
    SELECT 1 FROM subscriber s JOIN subscriber o ON o.tenant_id = s.tenant_id AND o.mailbox = s.mailbox
      JOIN suppression p ON p.subscriber_id = o.id
     WHERE s.id = NEW.subscriber_id AND s.mailbox IS NOT NULL
)
BEGIN
    UPDATE consent SET suppressed = 1
     WHERE subscriber_id = NEW.subscriber_id AND topic_id = NEW.topic_id AND channel = NEW.channel;
END;
