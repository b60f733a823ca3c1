-- Copies wait in lanes, one for each tenant and domain, so that whoever waits behind a long lane is found without
-- reading through it.
DROP INDEX recipient_due;
CREATE INDEX recipient_due ON recipient (tenant_id, domain, due_at) WHERE state = 0;
