-- What people read in place of the short names that programs use; '' where nobody gave any.
ALTER TABLE tenant ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE tenant ADD COLUMN language TEXT NOT NULL DEFAULT '';       -- of people whose own isn't known
ALTER TABLE tenant ADD COLUMN colour TEXT NOT NULL DEFAULT '';         -- #rrggbb
ALTER TABLE tenant ADD COLUMN privacy TEXT NOT NULL DEFAULT '';        -- address of the privacy notice
ALTER TABLE topic ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE topic ADD COLUMN description TEXT NOT NULL DEFAULT '';

CREATE TABLE logo (
    tenant_id INTEGER PRIMARY KEY REFERENCES tenant (id) ON DELETE CASCADE,
    type TEXT NOT NULL,                           -- image/png, image/jpeg, image/webp
    digest TEXT NOT NULL,                         -- first 16 hex digits of its SHA-256: part of its address
    image BLOB NOT NULL
);

-- Under which topic mail goes that names none, on a stream for all; '' for the tenant's first.
ALTER TABLE stream ADD COLUMN default_topic TEXT NOT NULL DEFAULT '';

-- A topic that nobody made is an error from here on; those that streams are for were meant.
INSERT INTO topic (tenant_id, name)
SELECT DISTINCT s.tenant_id, s.topic FROM stream s
 WHERE s.topic <> '*' AND NOT EXISTS (SELECT 1 FROM topic t WHERE t.tenant_id = s.tenant_id AND t.name = s.topic);
CREATE INDEX logo_by_digest ON logo (digest);
