-- Who agreed to a topic, and who withdrew it, counted from the index alone before a mailing is sent.
DROP INDEX consent_live;
CREATE INDEX consent_live ON consent (topic_id, subscriber_id, withdrawn_at) WHERE withdrawn_at IS NULL;
CREATE INDEX consent_left ON consent (topic_id, subscriber_id, withdrawn_at) WHERE withdrawn_at IS NOT NULL;
