/** A PEM that looks like an authority's certificate; nobody verifies anything against it. */
export function certificateText(seed: string): string {
  const body = Buffer.from(`the stand-in's authority for ${seed}`.padEnd(192, ".")).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, "$&\n").trimEnd()}\n-----END CERTIFICATE-----\n`;
}
