/** The failure of a listener whose port another process has. */

/** A port that a configuration asks for is taken. The message names the key to change. */
export class PortInUseError extends Error {
  override readonly name = "PortInUseError";
  readonly configKey: string;
  readonly port: number;

  /**
   * @param configKey full key of the port, for example `adminApi.port`
   * @param address the address that was to be listened on
   * @param port the port that is taken
   */
  constructor(configKey: string, address: string, port: number) {
    super(
      `${configKey}: port ${port} on ${address} is taken by another process. Stop that process, or set ${configKey} to a free port.`,
    );
    this.configKey = configKey;
    this.port = port;
  }
}
