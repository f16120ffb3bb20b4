/**
 * The messages of a batch as one value for the database, from which each can be cut out: a row and an index entry less for
 * every message.
 *
 * A message is: length of its head (4 bytes, big endian); head, a JSON array in UTF-8 of sender, message id and, where they are
 * not null, error and traceparent; payload, to the end.
 */

/** What is stored of a message. */
export interface PackedMessage {
  /** Number of the member. */
  sender: number;
  messageId: string;
  error: string | null;
  traceparent: string | null;
  payload: Buffer;
}

const lengthBytes = 4;

function headOf({ sender, messageId, error, traceparent }: PackedMessage): string {
  const id = JSON.stringify(messageId);
  // Nearly all have neither; written by hand, as it is done for every message.
  if (error === null && traceparent === null) return `[${sender},${id}]`;
  return `[${sender},${id},${JSON.stringify(error)},${JSON.stringify(traceparent)}]`;
}

/** Packs messages. @returns `ends[n]`, where message n ends in `content`; it begins where the one before it ends */
export function packBatch(messages: readonly PackedMessage[]): { content: Buffer; ends: number[] } {
  const heads = messages.map(headOf);
  let size = 0;
  for (const [index, { payload }] of messages.entries()) {
    size += lengthBytes + Buffer.byteLength(heads[index] as string) + payload.length;
  }
  const content = Buffer.allocUnsafe(size);
  let end = 0;
  const ends = messages.map(({ payload }, index) => {
    const headBytes = content.write(heads[index] as string, end + lengthBytes);
    content.writeUInt32BE(headBytes, end);
    end += lengthBytes + headBytes;
    end += payload.copy(content, end);
    return end;
  });
  return { content, ends };
}

/** Reads one message that was cut out of a packed batch; its payload shares the memory. */
export function unpackMessage(bytes: Buffer): PackedMessage {
  const payloadAt = lengthBytes + bytes.readUInt32BE(0);
  const [sender, messageId, error = null, traceparent = null] = JSON.parse(
    bytes.toString("utf8", lengthBytes, payloadAt),
  ) as [number, string, (string | null)?, (string | null)?];
  return { sender, messageId, error, traceparent, payload: bytes.subarray(payloadAt) };
}
