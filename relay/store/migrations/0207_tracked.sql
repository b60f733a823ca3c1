-- Copies that were delivered with places for openings or clicks: of persons who agreed to it.
ALTER TABLE campaign ADD COLUMN tracked INTEGER NOT NULL DEFAULT 0;
