-- When a consent was given may be unknown: then given_at is when it was recorded, and `dated` says so. The day since when
-- the person is on the list may be known all the same. The grade tells how well a consent can be proved (R4): A by the
-- person's own double opt-in, B by time and IP address, C by the word of the tenant.
ALTER TABLE consent ADD COLUMN dated INTEGER NOT NULL DEFAULT 1;   -- 0: given_at is not when the person agreed
ALTER TABLE consent ADD COLUMN since TEXT NOT NULL DEFAULT '';     -- a day, 2026-03-01; on the list since then
ALTER TABLE consent ADD COLUMN grade TEXT NOT NULL DEFAULT 'C';
-- An import gave its own time to lines without one.
UPDATE consent SET dated = 0 WHERE means = 'import' AND given_at = recorded_at;
UPDATE consent SET grade = CASE WHEN means = 'double-opt-in' THEN 'A' WHEN dated = 1 AND ip <> '' THEN 'B' ELSE 'C' END;
-- What a topic demands: a consent of a lower grade is none for it.
ALTER TABLE topic ADD COLUMN grade TEXT NOT NULL DEFAULT 'C';
