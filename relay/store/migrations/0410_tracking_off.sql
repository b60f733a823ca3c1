-- Who may be tracked is asked for many copies at once; the answer holds, like standings, as long as the version stands still.
CREATE TRIGGER tracking_consent_i AFTER INSERT ON tracking_consent WHEN NEW.withdrawn_at IS NOT NULL
BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER tracking_consent_u AFTER UPDATE OF withdrawn_at ON tracking_consent WHEN NEW.withdrawn_at IS NOT OLD.withdrawn_at
BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER tracking_consent_d AFTER DELETE ON tracking_consent BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
