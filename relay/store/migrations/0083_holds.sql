-- What holds a copy is its own column, so that the end of one hold never frees what another holds
-- (relay/queue/holds.py: 1 a policy, 2 the campaign, 4 a freeze, 8 the operator, 16 damage; added up).
-- hold_reason is from now on the policy's words alone.
ALTER TABLE recipient ADD COLUMN held_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipient ADD COLUMN held_until REAL;  -- when the policy's hold ends by itself; NULL: someone releases

-- A policy's words stood in the place of 'staged': of a campaign without a verdict such a copy waits for that too.
UPDATE recipient SET held_by = CASE hold_reason
    WHEN 'staged' THEN 2
    WHEN 'frozen' THEN 4
    WHEN 'operator' THEN 8
    WHEN 'damaged' THEN 16
    ELSE CASE WHEN campaign_id IN
        (SELECT id FROM campaign WHERE state IN ('staged', 'watching', 'undecided', 'stopped')) THEN 3 ELSE 1 END
    END
    WHERE state = 1;
UPDATE recipient SET hold_reason = '' WHERE state = 1 AND hold_reason IN ('staged', 'frozen', 'operator', 'damaged');
CREATE INDEX recipient_held_until ON recipient (held_until) WHERE state = 1 AND held_until IS NOT NULL;
