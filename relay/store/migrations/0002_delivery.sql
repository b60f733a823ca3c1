-- Copies of one message that don't differ by recipient may share one transaction.
ALTER TABLE submission ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;

-- Moved by whatever may make a person's standing worse; as long as it stands still, what was read at RCPT holds.
INSERT INTO meta (name, value) VALUES ('standing', 1);
CREATE TRIGGER suppression_i AFTER INSERT ON suppression BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER suppression_u AFTER UPDATE ON suppression BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER suppression_d AFTER DELETE ON suppression BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER consent_u AFTER UPDATE ON consent BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER consent_d AFTER DELETE ON consent BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER subscriber_u AFTER UPDATE ON subscriber BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
CREATE TRIGGER subscriber_d AFTER DELETE ON subscriber BEGIN UPDATE meta SET value = value + 1 WHERE name = 'standing'; END;
