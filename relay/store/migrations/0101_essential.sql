-- What frees a stream from consent: contract, legal-duty, membership, employment or existing-customer; '' of earlier ones.
ALTER TABLE stream ADD COLUMN ground TEXT NOT NULL DEFAULT '';
-- 1: codes, resets and security alerts, which a person ends only knowing what is lost.
ALTER TABLE stream ADD COLUMN essential INTEGER NOT NULL DEFAULT 0;
-- From here on a suppression with topic_id -N is for stream N alone; one whose since_at is still to come begins then.
