-- Whether a person is suppressed at all is asked at every RCPT and before every delivery. It stands in the person's
-- consents, which are read anyway: of ten million people each further page is one that nobody has read lately.
ALTER TABLE consent ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;   -- 1: see suppression; kept by these triggers
UPDATE consent SET suppressed = 1 WHERE subscriber_id IN (SELECT subscriber_id FROM suppression);

CREATE TRIGGER suppression_begins AFTER INSERT ON suppression
BEGIN
    UPDATE consent SET suppressed = 1 WHERE subscriber_id = NEW.subscriber_id;
END;
CREATE TRIGGER suppression_ends AFTER DELETE ON suppression
BEGIN
    UPDATE consent SET suppressed = EXISTS (SELECT 1 FROM suppression WHERE subscriber_id = OLD.subscriber_id)
     WHERE subscriber_id = OLD.subscriber_id;
END;
CREATE TRIGGER consent_of_suppressed AFTER INSERT ON consent
WHEN EXISTS (SELECT 1 FROM suppression WHERE subscriber_id = NEW.subscriber_id)
BEGIN
    UPDATE consent SET suppressed = 1
     WHERE subscriber_id = NEW.subscriber_id AND topic_id = NEW.topic_id AND channel = NEW.channel;
END;
