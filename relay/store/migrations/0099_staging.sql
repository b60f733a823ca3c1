-- Which campaign a message belongs to is told by its content, and a campaign stays staged until its verdict.
ALTER TABLE campaign ADD COLUMN likeness BLOB;                    -- relay/campaigns/likeness.py; NULL: told by name alone
ALTER TABLE campaign ADD COLUMN draw BLOB;                        -- key of the draw for the first part
ALTER TABLE campaign ADD COLUMN share INTEGER NOT NULL DEFAULT 1; -- of `every` numbers so many go at once
ALTER TABLE campaign ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0; -- recipients that went before numbering began
ALTER TABLE campaign ADD COLUMN reason TEXT NOT NULL DEFAULT '';  -- why it is staged
ALTER TABLE campaign ADD COLUMN tried INTEGER NOT NULL DEFAULT 0; -- copies that were tried once, or came to an end before
ALTER TABLE campaign ADD COLUMN last_at REAL NOT NULL DEFAULT 0;  -- when its latest copy came in
CREATE INDEX campaign_of_tenant ON campaign (tenant_id, id) WHERE likeness IS NOT NULL;
UPDATE campaign SET last_at = created_at, tried = delivered + bounced;

-- What was released counts for good; what waits, and when the latest was stopped or declined, stand beside it.
INSERT INTO counter (tenant_id, name, value)
SELECT tenant_id, 'campaigns/released', count(*) FROM campaign WHERE state = 'released' GROUP BY tenant_id;
INSERT INTO counter (tenant_id, name, value)
SELECT tenant_id, 'campaigns/undecided', count(*) FROM campaign
WHERE state IN ('staged', 'watching', 'undecided', 'stopped') GROUP BY tenant_id;
INSERT INTO counter (tenant_id, name, value)
SELECT tenant_id, 'campaigns/bad-at', max(CAST(coalesce(decided_at, created_at) AS INTEGER)) FROM campaign
WHERE state IN ('stopped', 'declined') GROUP BY tenant_id;

-- Who sent bulk for a while and was never stopped, declined or left undecided is no new customer.
INSERT INTO counter (tenant_id, name, value)
SELECT tenant_id, 'campaigns/released', 1 FROM counter c WHERE name = 'delivered/bulk' AND value >= 1000
AND NOT EXISTS (SELECT 1 FROM campaign k WHERE k.tenant_id = c.tenant_id AND k.state IN ('staged', 'watching', 'undecided', 'stopped', 'declined'))
ON CONFLICT DO NOTHING;
