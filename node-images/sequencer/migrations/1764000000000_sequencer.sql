-- Up Migration

-- The domain this sequencer was initialised for, and the key it signs events with: set once.
CREATE TABLE sequencer_initialization (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  domain_id text NOT NULL,
  signing_key text NOT NULL
);

-- Down Migration

DROP TABLE sequencer_initialization;
