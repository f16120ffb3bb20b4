-- Up Migration

-- What lists are filtered by: the party, domain, owner of keys, participant or namespace that a transaction is about, and
-- the participant or mediator that this has to do with. Filled in by the node for rows that are there already.
ALTER TABLE topology_transactions ADD COLUMN subject text, ADD COLUMN counterpart text;
CREATE INDEX topology_transactions_by_subject
  ON topology_transactions (store, mapping_type, subject text_pattern_ops);
CREATE INDEX topology_transactions_by_counterpart
  ON topology_transactions (store, mapping_type, counterpart text_pattern_ops) WHERE counterpart IS NOT NULL;
CREATE INDEX topology_transactions_to_fill_in ON topology_transactions (store) WHERE subject IS NULL;

-- Down Migration

DROP INDEX topology_transactions_to_fill_in;
DROP INDEX topology_transactions_by_counterpart;
DROP INDEX topology_transactions_by_subject;
ALTER TABLE topology_transactions DROP COLUMN counterpart, DROP COLUMN subject;
