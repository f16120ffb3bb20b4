/** Which part of a network's addresses belongs to what. Pure. */

/** A part of a network. */
export interface AddressRange {
  /** What it is for; unique in the network. Example: `"database"`. */
  readonly name: string;
  /** Prefix length: 24 for 256 addresses. */
  readonly prefix: number;
}

const notation = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

/** A range of IPv4 addresses: the first, as a number, and the prefix length. */
interface Block {
  readonly first: number;
  readonly prefix: number;
}

/**
 * Reads `10.20.0.0/16`.
 *
 * @throws Error saying what is wrong with it
 */
function parseCidr(cidr: string): Block {
  const numbers = notation.exec(cidr)?.slice(1).map(Number);
  const [a, b, c, d, prefix] = (numbers ?? []) as [number, number, number, number, number];
  if (numbers === undefined || prefix > 32 || [a, b, c, d].some((octet) => octet > 255)) {
    throw new Error(`got "${cidr}"; expected an IPv4 range such as "10.20.0.0/16"`);
  }
  const first = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  if (first % sizeOf(prefix) !== 0) {
    throw new Error(
      `got "${cidr}"; expected the first address of the range: ${formatCidr({ first: first - (first % sizeOf(prefix)), prefix })}`,
    );
  }
  return { first, prefix };
}

function sizeOf(prefix: number): number {
  return 2 ** (32 - prefix);
}

function formatCidr({ first, prefix }: Block): string {
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${octets.join(".")}/${prefix}`;
}

/** Why a text is no IPv4 range; undefined when it is one. */
export function whyNoCidr(cidr: string): string | undefined {
  try {
    parseCidr(cidr);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Whether two ranges have an address in common. */
export function overlap(left: string, right: string): boolean {
  const [a, b] = [parseCidr(left), parseCidr(right)];
  return a.first < b.first + sizeOf(b.prefix) && b.first < a.first + sizeOf(a.prefix);
}

/**
 * Divides a network. Ranges are laid out in the order given, each at the next address where its size allows it: appending one
 * moves none that was there before.
 *
 * @returns the range of each, by name
 * @throws Error when they do not fit, naming the first that does not
 */
export function divide<Name extends string>(
  network: string,
  ranges: readonly (AddressRange & { readonly name: Name })[],
): Record<Name, string> {
  const { first, prefix } = parseCidr(network);
  const end = first + sizeOf(prefix);
  let next = first;
  const divided: Partial<Record<Name, string>> = {};
  for (const range of ranges) {
    if (range.name in divided) throw new Error(`got the range "${range.name}" a second time; expected each once`);
    const size = sizeOf(range.prefix);
    const start = Math.ceil(next / size) * size;
    if (start + size > end) {
      throw new Error(
        `${network} is too small: "${range.name}" (/${range.prefix}) does not fit; expected a larger network`,
      );
    }
    divided[range.name] = formatCidr({ first: start, prefix: range.prefix });
    next = start + size;
  }
  return divided as Record<Name, string>;
}
