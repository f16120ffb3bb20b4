-- Up Migration

-- An acceptance is of a text, not of an id alone: SHA-256 of the text, in hexadecimal digits. Those from before have none, so
-- the terms have to be accepted again.
ALTER TABLE participant_accepted_agreements ADD COLUMN text_hash text NOT NULL DEFAULT '';
ALTER TABLE participant_accepted_agreements ALTER COLUMN text_hash DROP DEFAULT;
ALTER TABLE participant_accepted_agreements DROP CONSTRAINT participant_accepted_agreements_pkey;
ALTER TABLE participant_accepted_agreements ADD PRIMARY KEY (alias, agreement_id, text_hash);

-- Down Migration

DELETE FROM participant_accepted_agreements a USING participant_accepted_agreements b
  WHERE a.alias = b.alias AND a.agreement_id = b.agreement_id AND a.text_hash > b.text_hash;
ALTER TABLE participant_accepted_agreements DROP CONSTRAINT participant_accepted_agreements_pkey;
ALTER TABLE participant_accepted_agreements ADD PRIMARY KEY (alias, agreement_id);
ALTER TABLE participant_accepted_agreements DROP COLUMN text_hash;
