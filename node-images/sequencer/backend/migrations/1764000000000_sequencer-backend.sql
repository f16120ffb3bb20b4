-- Up Migration

-- The backend shared by all sequencers of one domain. All times are microseconds since the epoch.

-- The domain this backend belongs to: set once, by the first sequencer that is initialised.
CREATE TABLE sequencer_domain (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  domain_id text NOT NULL,
  -- protocol.v1.StaticDomainParameters, serialized
  static_parameters bytea NOT NULL
);

-- The head of the log. Its row lock is what orders the sequencers' batches: it is taken when a batch gets its timestamps and
-- held until the commit, so commits happen in the order of timestamps and a reader that has seen a timestamp will never see a
-- smaller one appear.
CREATE TABLE sequencer_clock (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  last_timestamp bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO sequencer_clock (last_timestamp) VALUES (0);

CREATE TABLE sequencer_members (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member text NOT NULL UNIQUE,
  registered_at bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  -- the counter of this member's next event
  next_counter bigint NOT NULL DEFAULT 0,
  acknowledged bigint,
  enabled boolean NOT NULL DEFAULT true
) WITH (fillfactor = 50);

-- Where the ids of the events of a batch begin. The step is the most messages that one batch may have.
CREATE SEQUENCE sequencer_batch_ids AS bigint INCREMENT BY 10000;

-- One row a batch that was written: event id + k of it was sequenced at base_timestamp + k.
CREATE TABLE sequencer_batches (
  id bigint PRIMARY KEY,
  base_timestamp bigint NOT NULL
);

-- The messages of a batch, one after the other as packed-batch.ts makes them; message k (from 0) is bytes ends[k] to
-- ends[k + 1] - 1 (ends[0] stands for 0). One row a batch and not one a message: a large value is written with a fraction of
-- the work, and messages are cut out of it without reading the others.
-- Contents, and the ids below, are stored before their batch gets its place in the order, so that this, by far most of the work,
-- is not done in the critical section: it is why they know nothing of timestamps, and why the ids are not in the log's order.
CREATE TABLE sequencer_contents (
  batch bigint PRIMARY KEY,
  ends integer[] NOT NULL,
  content bytea NOT NULL
);
-- Messages are mostly ciphertext: compressing them costs and gains nothing, and what is compressed cannot be cut.
ALTER TABLE sequencer_contents ALTER COLUMN content SET STORAGE EXTERNAL, ALTER COLUMN ends SET STORAGE EXTERNAL;

-- A message that is sent again is not sequenced again. The id comes first: clients make ids that grow with time, so that new
-- entries go to the end of the index.
CREATE TABLE sequencer_messages (
  event bigint NOT NULL,
  sender integer NOT NULL,
  message_id text COLLATE "C" NOT NULL,
  -- why it was delivered to nobody but its sender; null: delivered
  error text,
  PRIMARY KEY (message_id, sender)
);

-- Who gets which message, at which position of their stream: one row for all that one written batch brings to one member, so a busy domain writes a few rows a batch and not one a message
-- and recipient. Counter first_counter + k is the event batch + offsets[k + 1].
CREATE TABLE sequencer_deliveries (
  member integer NOT NULL,
  first_counter bigint NOT NULL,
  batch bigint NOT NULL,
  offsets integer[] NOT NULL,
  PRIMARY KEY (member, first_counter)
);
ALTER TABLE sequencer_deliveries ALTER COLUMN offsets SET STORAGE EXTERNAL;

-- Sequences a batch of messages in one round trip: all of them or none.
-- p_content and p_ends are the packed messages; message n is described by the n-th elements of p_senders, p_message_ids and
-- p_errors; p_errors may be empty for nulls. p_members[m] gets those messages (from 0, ascending) that p_offsets lists from its
-- element p_first[m] to its element p_last[m].
-- Answers base: message n got the timestamp base + n - 1. When it is null, nothing was written, because too_late, the time that
-- the last message would have got at least, is after p_deadline, the smallest maximum sequencing time. When that is known only
-- once the batch has its place in the order, fails with SQ001 and the time as the detail.
-- Fails on sequencer_messages_pkey when a message was sequenced before. When it fails, nothing is written.
CREATE FUNCTION sequencer_write(
  p_senders integer[],
  p_message_ids text[],
  p_errors text[],
  p_content bytea,
  p_ends integer[],
  p_members integer[],
  p_first integer[],
  p_last integer[],
  p_offsets integer[],
  p_deadline bigint,
  OUT base bigint,
  OUT too_late bigint
) LANGUAGE plpgsql
-- Plans are cached; one made while the tables were empty must not scan them when they are large.
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  v_size integer := cardinality(p_senders);
  v_batch bigint;
  v_last bigint;
BEGIN
  too_late := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + v_size - 1;
  IF too_late > p_deadline THEN
    RETURN;
  END IF;
  too_late := NULL;
  IF v_size > 10000 THEN
    RAISE EXCEPTION 'a batch has % messages; at most 10000', v_size;
  END IF;

  -- First what needs no order among the batches: any number of them do this at the same time.
  v_batch := nextval('sequencer_batch_ids');
  INSERT INTO sequencer_contents (batch, ends, content) VALUES (v_batch, p_ends, p_content);
  INSERT INTO sequencer_messages (event, sender, message_id, error)
  SELECT v_batch + n - 1, sender, message_id, error
  FROM unnest(p_senders, p_message_ids, p_errors) WITH ORDINALITY AS s (sender, message_id, error, n)
  -- Batches that have messages in common wait for each other: always in this order, so that they never do so in a circle.
  ORDER BY message_id COLLATE "C", sender;

  -- From here until the commit this batch is alone. The lock is a statement of its own: an UPDATE that waits may have looked at
  -- the clock before.
  PERFORM FROM sequencer_clock FOR UPDATE;
  UPDATE sequencer_clock
  SET last_timestamp = greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, last_timestamp + 1) + v_size - 1
  RETURNING last_timestamp INTO v_last;
  IF v_last > p_deadline THEN
    RAISE EXCEPTION 'a maximum sequencing time has passed' USING ERRCODE = 'SQ001', DETAIL = v_last;
  END IF;
  base := v_last - v_size + 1;
  INSERT INTO sequencer_batches (id, base_timestamp) VALUES (v_batch, base);

  WITH block AS (
    SELECT member, p_offsets[first:last] AS offsets FROM unnest(p_members, p_first, p_last) AS b (member, first, last)
  ), advanced AS (
    UPDATE sequencer_members m SET next_counter = m.next_counter + cardinality(b.offsets)
    FROM block b WHERE m.id = b.member
    RETURNING m.id, m.next_counter - cardinality(b.offsets) AS first_counter, b.offsets
  )
  INSERT INTO sequencer_deliveries (member, first_counter, batch, offsets)
  SELECT id, first_counter, v_batch, offsets FROM advanced;

  PERFORM pg_notify('canton_sequencer', '');
END;
$$;

-- Down Migration

DROP FUNCTION sequencer_write;
DROP TABLE sequencer_deliveries, sequencer_messages, sequencer_contents, sequencer_batches, sequencer_members, sequencer_clock, sequencer_domain;
DROP SEQUENCE sequencer_batch_ids;
