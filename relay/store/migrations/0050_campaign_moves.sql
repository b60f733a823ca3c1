-- What was found of campaigns holds, like standings, as long as the version stands still: a copy asks no more for itself.
CREATE TRIGGER campaign_moves AFTER UPDATE OF state, why ON campaign
WHEN (NEW.state <> OLD.state OR NEW.why IS NOT OLD.why) AND (NEW.state IN ('declined', 'stopped') OR OLD.state IN ('declined', 'stopped'))
BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER campaign_d AFTER DELETE ON campaign BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
