/** The configuration of a reverse proxy in front of a domain's sequencers. Pure. */
import { whyNoCidr } from "./addresses.ts";

/** A sequencer behind the proxy. */
export interface ProxiedSequencer {
  /** Lower-case letters, digits and hyphens. Example: `"sequencer1"`. */
  readonly name: string;
  /** Full name of its Service, or an IPv4 address. Example: `"sequencer1.canton.svc.cluster.local"`. */
  readonly host: string;
  /** Port of its public API. */
  readonly port: number;
  /**
   * Port that answers `GET /health/ready`: the sequencer is only sent connections while that says 200. Of HAProxy only, and of
   * all sequencers or none. Default: it is enough that it takes connections.
   */
  readonly healthPort?: number;
}

/** TLS that ends at the proxy. */
export interface ProxyTls {
  /** Folder with `tls.crt` and `tls.key`. */
  readonly certificateFolder: string;
  /** Present where the sequencers speak TLS too: PEM file of the authorities to trust, and the name that their certificates bear. */
  readonly sequencers?: { readonly caFile: string; readonly serverName: string };
}

/** What a configuration is made of. */
export interface ReverseProxyConfig {
  /** Port for clients. */
  readonly port: number;
  /** Port for probes and metrics: `/health` and, of HAProxy, `/metrics`. */
  readonly statusPort: number;
  readonly sequencers: readonly ProxiedSequencer[];
  /** Who may connect, in CIDR notation. */
  readonly allowedRanges: readonly string[];
  /** Absent: TLS goes through to the sequencers untouched. */
  readonly tls?: ProxyTls;
  /** Open connections of one address at most. */
  readonly connectionsPerAddress: number;
  /** New connections of one address in ten seconds at most. Only HAProxy counts them. */
  readonly connectionRatePerAddress: number;
  /** Open connections in all. */
  readonly connections: number;
  /** Seconds without a byte either way after which a connection is closed: more than clients' keep-alive. */
  readonly idleSeconds: number;
}

/** Seconds that open connections have when a proxy is told to end: less than its pod has. */
const drainSeconds = 25;

/**
 * Checks what a configuration is made of.
 *
 * @throws Error naming what is wrong
 */
export function checkReverseProxyConfig(config: ReverseProxyConfig, software: "haproxy" | "nginx"): void {
  const { sequencers, allowedRanges, tls } = config;
  if (sequencers.length === 0) throw new Error("sequencers: got none; expected at least one");
  const names = new Set<string>();
  for (const { name, host, port, healthPort } of sequencers) {
    if (!/^[a-z][a-z0-9-]*$/.test(name)) {
      throw new Error(
        `sequencers: got the name "${name}"; expected lower-case letters, digits and hyphens, a letter first`,
      );
    }
    if (names.has(name)) throw new Error(`sequencers: got the name "${name}" a second time; expected each once`);
    names.add(name);
    // Proxies ask the name service by themselves, and complete no names.
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9][A-Za-z0-9-]*)+$/.test(host) || host.endsWith(".svc")) {
      throw new Error(
        `sequencers: ${name}.host: got "${host}"; expected an IPv4 address or a full name such as "${name}.canton.svc.cluster.local"`,
      );
    }
    checkNumber(`sequencers: ${name}.port`, port, 1, 65_535);
    if (healthPort !== undefined) checkNumber(`sequencers: ${name}.healthPort`, healthPort, 1, 65_535);
  }
  checkRanges("allowedRanges", allowedRanges);
  checkNumber("connections", config.connections, 1, 1_000_000);
  checkNumber("connectionsPerAddress", config.connectionsPerAddress, 1, config.connections);
  checkNumber("connectionRatePerAddress", config.connectionRatePerAddress, 1, 1_000_000);
  checkNumber("idleSeconds", config.idleSeconds, 10, 86_400);
  if (software === "nginx" && tls?.sequencers !== undefined) {
    throw new Error(
      "tls.sequencers: NGINX does not say to a server that it wants HTTP/2, so that gRPC servers with TLS refuse it; " +
        "expected HAProxy, or no `tls`, so that TLS goes through",
    );
  }
  const asked = sequencers.filter(({ healthPort }) => healthPort !== undefined).length;
  if (software === "nginx" && asked > 0) {
    throw new Error(
      "sequencers: healthPort: NGINX does not ask servers for their health; expected HAProxy, or no healthPort",
    );
  }
  if (asked !== 0 && asked !== sequencers.length) {
    throw new Error(
      "sequencers: healthPort: only some have one; expected all or none, or those without would get too much",
    );
  }
}

/**
 * Checks an allow-list.
 *
 * @throws Error naming `key` when it is empty or a range is none
 */
export function checkRanges(key: string, ranges: readonly string[]): void {
  if (ranges.length === 0) {
    throw new Error(
      `${key}: got none; expected who may connect, such as "203.0.113.0/24", or "0.0.0.0/0" for everybody`,
    );
  }
  for (const range of ranges) {
    const why = whyNoCidr(range);
    if (why !== undefined) throw new Error(`${key}: ${why}`);
  }
}

function checkNumber(key: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${key}: got ${value}; expected a whole number from ${least} to ${most}`);
  }
}

/**
 * `haproxy.cfg`. Whole connections are spread, not single calls: a member's token is of the sequencer that gave it out, and a
 * gRPC client keeps to one connection.
 */
export function haproxyConfig(config: ReverseProxyConfig): string {
  const { port, statusPort, sequencers, allowedRanges, tls, idleSeconds } = config;
  const certificate = tls && ` ssl crt ${tls.certificateFolder}/tls.crt alpn h2`;
  const onward = tls?.sequencers;
  const asksHealth = sequencers.every(({ healthPort }) => healthPort !== undefined);
  const server = onward
    ? ` ssl verify required ca-file ${onward.caFile} sni str(${onward.serverName}) verifyhost ${onward.serverName} alpn h2`
    : "";
  return `global
  log stdout format raw local0 info
  maxconn ${config.connections}
  hard-stop-after ${drainSeconds}s
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  ssl-default-server-options ssl-min-ver TLSv1.2
  # Takes tls.key for the key of tls.crt.
  ssl-load-extra-del-ext

defaults
  mode tcp
  log global
  option dontlognull
  option clitcpka
  option srvtcpka
  option redispatch
  retries 3
  timeout connect 5s
  timeout check 5s
  timeout client ${idleSeconds}s
  timeout server ${idleSeconds}s

resolvers cluster
  parse-resolv-conf
  hold valid 10s

frontend clients
  bind :${port}${certificate ?? ""}
  log-format '{"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]","client":"%ci","server":"%s","milliseconds":%Tt,"bytesRead":%B,"bytesUploaded":%U,"termination":"%ts","connections":%ac}'
  acl allowed src ${allowedRanges.join(" ")}
  tcp-request connection reject unless allowed
  stick-table type ip size 100k expire 1m store conn_cur,conn_rate(10s)
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_cur gt ${config.connectionsPerAddress} }
  tcp-request connection reject if { sc0_conn_rate gt ${config.connectionRatePerAddress} }
  default_backend sequencers

backend sequencers
  balance leastconn
${asksHealth ? "  option httpchk GET /health/ready\n  http-check expect status 200\n" : ""}  default-server inter 3s fall 3 rise 2 on-marked-down shutdown-sessions resolvers cluster init-addr none
${sequencers
  .map(({ name, host, port: publicApi, healthPort }) => {
    // Health is HTTP in the clear on a port of its own, whatever the public API speaks.
    const check = healthPort === undefined ? " check" : ` check port ${healthPort} no-check-ssl`;
    return `  server ${name} ${host}:${publicApi}${server}${check}\n`;
  })
  .join("")}
frontend status
  mode http
  bind :${statusPort}
  timeout client 10s
  option dontlog-normal
  monitor-uri /health
  http-request use-service prometheus-exporter if { path /metrics }
`;
}

/** `nginx.conf`; connections are spread as by {@link haproxyConfig}. Host names have to be there when it starts. */
export function nginxConfig(config: ReverseProxyConfig): string {
  const { port, statusPort, sequencers, allowedRanges, tls, idleSeconds } = config;
  const certificate =
    tls &&
    `
    ssl_certificate ${tls.certificateFolder}/tls.crt;
    ssl_certificate_key ${tls.certificateFolder}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    ssl_alpn h2;
    ssl_session_tickets off;`;
  return `worker_processes auto;
worker_shutdown_timeout ${drainSeconds}s;
pid /tmp/nginx.pid;
error_log /dev/stderr info;

events {
  worker_connections ${2 * config.connections};
}

stream {
  log_format json escape=json '{"time":"$time_iso8601","client":"$remote_addr","server":"$upstream_addr","status":"$status",'
    '"seconds":$session_time,"bytesRead":$bytes_sent,"bytesUploaded":$bytes_received}';
  access_log /dev/stdout json;
  limit_conn_zone $binary_remote_addr zone=address:10m;

  upstream sequencers {
    zone sequencers 64k;
    least_conn;
${sequencers.map(({ host, port: publicApi }) => `    server ${host}:${publicApi} max_fails=3 fail_timeout=10s;\n`).join("")}  }

  server {
    listen ${port}${tls ? " ssl" : ""};
${allowedRanges.map((range) => `    allow ${range};\n`).join("")}    deny all;
    limit_conn address ${config.connectionsPerAddress};
    proxy_pass sequencers;
    proxy_connect_timeout 5s;
    proxy_timeout ${idleSeconds}s;
    proxy_socket_keepalive on;${certificate ?? ""}
  }
}

http {
  access_log off;
  client_body_temp_path /tmp/client_body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen ${statusPort};
    location = /health { return 200; }
    location / { return 404; }
  }
}
`;
}
