/** Certificates and keys from PEM files, checked before anything is served or called with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfigError, describeFileError } from "./config.ts";

/** PEM files by the configuration keys that name them. */
interface TlsFiles {
  certChainFile?: string | undefined;
  privateKeyFile?: string | undefined;
  caFile?: string | undefined;
  clientCaFile?: string | undefined;
}

/** The contents of the files that are set. */
export interface TlsMaterial {
  certChain?: Buffer;
  privateKey?: Buffer;
  /** Trust roots: `caFile` of a client, `clientCaFile` of a server. */
  ca?: Buffer;
  /** The first certificate of the chain. */
  certificate?: X509Certificate;
}

function readPem(configKey: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError([`${configKey}: cannot read ${file}: ${describeFileError(error)}`]);
  }
}

function parse<T>(configKey: string, file: string, what: string, parser: () => T): T {
  try {
    return parser();
  } catch {
    throw new ConfigError([`${configKey}: ${file} has no ${what} in PEM format`]);
  }
}

/**
 * Reads and checks PEM files.
 *
 * @param configKey full key of the section, for messages, for example `adminApi.tls`
 * @throws ConfigError naming the key when a file is unreadable, is not PEM, or key and certificate do not belong together
 */
export function loadTls(configKey: string, files: TlsFiles): TlsMaterial {
  const material: TlsMaterial = {};
  const { certChainFile, privateKeyFile, caFile, clientCaFile } = files;
  const [caKey, roots] = clientCaFile === undefined ? ["caFile", caFile] : ["clientCaFile", clientCaFile];
  if (roots !== undefined) {
    const ca = readPem(`${configKey}.${caKey}`, roots);
    parse(`${configKey}.${caKey}`, roots, "certificate", () => new X509Certificate(ca));
    material.ca = ca;
  }
  if ((certChainFile === undefined) !== (privateKeyFile === undefined)) {
    const missing = certChainFile === undefined ? "certChainFile" : "privateKeyFile";
    throw new ConfigError([`${configKey}.${missing} is required: certChainFile and privateKeyFile belong together`]);
  }
  if (certChainFile !== undefined && privateKeyFile !== undefined) {
    const certChain = readPem(`${configKey}.certChainFile`, certChainFile);
    const privateKey = readPem(`${configKey}.privateKeyFile`, privateKeyFile);
    const certificate = parse(
      `${configKey}.certChainFile`,
      certChainFile,
      "certificate",
      () => new X509Certificate(certChain),
    );
    const key = parse(`${configKey}.privateKeyFile`, privateKeyFile, "private key without passphrase", () =>
      createPrivateKey(privateKey),
    );
    if (!certificate.checkPrivateKey(key)) {
      throw new ConfigError([
        `${configKey}.privateKeyFile: the key in ${privateKeyFile} does not belong to the first certificate in ${certChainFile}`,
      ]);
    }
    Object.assign(material, { certChain, privateKey, certificate });
  }
  return material;
}
