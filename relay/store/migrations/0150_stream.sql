-- The stream of events that tenants read (relay/events/stream.py): each tenant's in the order of their commits.
CREATE INDEX event_in_order ON event (tenant_id, id);

-- Rows that tell how copies ended are a tenant's from now on, and last as long as its other events; number -1 marks
-- them. Those of nobody are what followers had not read yet.
UPDATE event SET number = -1 WHERE tenant_id = -1;
