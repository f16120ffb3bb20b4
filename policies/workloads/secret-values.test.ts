import { expect, test } from "vitest";
import { holdsSecret, namesSecret } from "./secret-values.ts";

test.each([
  "PASSWORD",
  "DB_PASSWORD",
  "dbPassword",
  "administratorLoginPassword",
  "API_KEY",
  "clientSecret",
  "PGPASSWORD",
  "token",
  "private-key",
  "AWS_SECRET_ACCESS_KEY",
])("%s names a secret", (name) => {
  expect(namesSecret(name)).toBe(true);
});

test.each([
  "PASSWORD_FILE",
  "passwordFile",
  "secretName",
  "tokenUrl",
  "passwordSecretRef",
  "secretArn",
  "userName",
  "TOKENIZER",
  "passwordVersion",
  "keyEncryption",
  "secretProvider",
])("%s does not", (name) => {
  expect(namesSecret(name)).toBe(false);
});

test.each([
  "-----BEGIN PRIVATE KEY-----\nMIG",
  "-----BEGIN RSA PRIVATE KEY-----",
  "postgres://bob:hunter22@db:5432/bob",
  "storage:\n  password: hunter22\n",
  "smtp_auth_password: 'hunter22'",
  "client-secret = hunter22",
])("%j holds a secret", (text) => {
  expect(holdsSecret(text)).toBe(true);
});

test.each([
  "-----BEGIN CERTIFICATE-----",
  "postgres://db:5432/bob",
  "postgres://bob:$(PASSWORD)@db/bob",
  "storage:\n  passwordFile: /secrets/password\n",
  "password: ${DB_PASSWORD}",
  "client_secret: config.clientSecret,",
  "smtp_auth_password_file: /secrets/smtp",
  "how to reset a password: see the docs",
])("%j does not", (text) => {
  expect(holdsSecret(text)).toBe(false);
});
