/** A program for a test: a user of a Ledger API, made with a token that comes from the environment. */
import { LedgerUser } from "@pulumi-canton/components/identity/ledger-user/ledger-user.ts";

const { LEDGER_PORT = "", LEDGER_TOKEN = "" } = process.env;
const port = Number(LEDGER_PORT);

new LedgerUser("app", {
  ledgerApi: { address: "127.0.0.1", port, url: `http://127.0.0.1:${port}` },
  token: LEDGER_TOKEN,
  userId: "app",
});
