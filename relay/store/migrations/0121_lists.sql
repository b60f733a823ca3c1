-- New lists and flows: whether a person was in a released campaign, and streams whose mail goes one by one as things happen.
ALTER TABLE subscriber ADD COLUMN staged_in INTEGER;              -- the campaign that the person's mail was last staged with
ALTER TABLE stream ADD COLUMN flow INTEGER NOT NULL DEFAULT 0;    -- 1: triggered series, judged by rolling rates
-- The lists of those who are known today stand as they are: only what is recorded from now on is new.
INSERT INTO counter (tenant_id, name, value)
SELECT tenant_id, 'campaigns/proven-at',
       CAST(coalesce((SELECT recorded_at FROM consent_history ORDER BY id DESC LIMIT 1), 0) AS BIGINT) + 1
  FROM counter WHERE name IN ('campaigns/released', 'campaigns/established') AND value > 0 GROUP BY tenant_id;
