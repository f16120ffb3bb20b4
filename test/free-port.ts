import { createServer } from "node:net";
import { loopback } from "@pulumi-canton/components/platform/local/embedded-postgres.ts";

/** A port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** Different ports that nothing listens on at this moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, loopback, resolve);
      });
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no TCP port to be had on loopback");
      return address.port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
