-- Up Migration

-- The data key under which the private keys are encrypted, wrapped. At most one row; absent while they are stored as they are.
CREATE TABLE topology_data_key (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  data_key_id uuid NOT NULL,
  wrapper_type text NOT NULL,
  -- The key of the wrapper that wraps it.
  wrapper_key_id text NOT NULL,
  -- The key that the configuration named when it was last taken over: a later rotation by hand leaves the file as it was.
  configured_key_id text NOT NULL,
  wrapped jsonb NOT NULL
);

-- The data key that key_pair is encrypted under; null when it is stored as it is.
ALTER TABLE topology_keys ADD COLUMN data_key_id uuid;

-- Down Migration

ALTER TABLE topology_keys DROP COLUMN data_key_id;
DROP TABLE topology_data_key;
