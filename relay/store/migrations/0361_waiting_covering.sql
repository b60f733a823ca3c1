-- What waits, once more with what is asked of it, so that a million copies are counted from the index alone.
DROP INDEX recipient_due;
CREATE INDEX recipient_due ON recipient (tenant_id, domain, due_at, attempts, campaign_id, state) WHERE state = 0;
