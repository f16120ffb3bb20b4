-- Up Migration

-- The W3C trace context in which the transaction came about, so that it goes on with the transaction to other nodes, also
-- when it is passed on only after a restart. For logs alone: nothing is decided by it.
ALTER TABLE topology_transactions ADD COLUMN traceparent text;

-- Down Migration

ALTER TABLE topology_transactions DROP COLUMN traceparent;
