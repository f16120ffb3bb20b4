/** The certificates of the authorities that databases of RDS are trusted by. */
import { X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";

/**
 * Reads them from a file: no API of AWS gives them out, AWS publishes them on the web.
 *
 * @returns the certificates, PEM
 * @throws Error saying what is wrong with the file, and how to get a right one
 */
export function readAuthorities(file: string, region: string): string {
  const refuse = (why: string) =>
    new Error(`${why}; get the authorities of RDS in ${region} with: curl -o ${file} ${bundleOf(region)}`);
  if (!existsSync(file)) throw refuse(`there is no file ${file}`);
  const certificates = readFileSync(file, "utf8").match(
    /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g,
  );
  if (certificates === null) throw refuse(`there is no certificate in ${file}`);
  certificates.forEach((certificate, index) => {
    if (!isAuthority(certificate)) throw refuse(`certificate ${index + 1} in ${file} is none of an authority`);
  });
  return `${certificates.join("\n")}\n`;
}

/** Where AWS publishes those of a region. */
function bundleOf(region: string): string {
  const place = region.startsWith("us-gov-")
    ? `truststore.pki.${region}.rds.amazonaws.com`
    : "truststore.pki.rds.amazonaws.com";
  return `https://${place}/${region}/${region}-bundle.pem`;
}

function isAuthority(pem: string): boolean {
  try {
    return new X509Certificate(pem).ca;
  } catch {
    return false;
  }
}
