-- Up Migration

-- The identity providers, besides the default one, whose tokens the Ledger API accepts.
CREATE TABLE ledger_identity_providers (
  identity_provider_id text COLLATE "C" PRIMARY KEY,
  is_deactivated boolean NOT NULL,
  issuer text NOT NULL UNIQUE,
  jwks_url text NOT NULL,
  audience text NOT NULL
);

-- The users of the Ledger API; lists are in the order of the bytes of the ids. identity_provider_id is null for the
-- default provider; a provider that has users or parties is not deleted.
CREATE TABLE ledger_users (
  user_id text COLLATE "C" PRIMARY KEY,
  primary_party text NOT NULL DEFAULT '',
  is_deactivated boolean NOT NULL DEFAULT false,
  resource_version bigint NOT NULL DEFAULT 0,
  annotations jsonb NOT NULL DEFAULT '{}',
  identity_provider_id text COLLATE "C" REFERENCES ledger_identity_providers (identity_provider_id)
);

-- What users may do. party is empty for the rights that are not about one.
CREATE TABLE ledger_user_rights (
  user_id text COLLATE "C" NOT NULL REFERENCES ledger_users (user_id) ON DELETE CASCADE,
  kind text NOT NULL,
  party text COLLATE "C" NOT NULL,
  PRIMARY KEY (user_id, kind, party)
);

-- The user that every participant begins with. As published it may be deleted, and then stays so.
INSERT INTO ledger_users (user_id) VALUES ('participant_admin');
INSERT INTO ledger_user_rights (user_id, kind, party) VALUES ('participant_admin', 'participantAdmin', '');

ALTER TABLE participant_parties ADD COLUMN identity_provider_id text COLLATE "C"
  REFERENCES ledger_identity_providers (identity_provider_id);

-- Down Migration

ALTER TABLE participant_parties DROP COLUMN identity_provider_id;
DROP TABLE ledger_user_rights;
DROP TABLE ledger_users;
DROP TABLE ledger_identity_providers;
