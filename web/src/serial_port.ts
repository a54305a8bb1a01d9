// The part of Web Serial that the page uses. Source: the Web Serial API, WICG draft.
export interface SerialPort {
  readonly readable: ReadableStream<Uint8Array> | null;
  readonly writable: WritableStream<Uint8Array> | null;
  open(options: { baudRate: number }): Promise<void>;
  close(): Promise<void>;
}

export interface Serial {
  requestPort(options: { filters: { usbVendorId: number }[] }): Promise<SerialPort>;
}

/** Advice for an error of requestPort() or open(). Empty: the user chose none, which is no error. */
export function advice(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotFoundError':
      return 'No board was chosen. If none was listed: plug it in without BOOT held (a board in BOOTSEL mode is a drive and has no serial port), with a cable that carries data.';
    case 'SecurityError':
      return 'The browser does not allow this page to use serial ports. Allow it in the settings of this site, and open the page by https or from localhost.';
    case 'InvalidStateError':
      return 'This page has the port open already, in this or another window. Disconnect there first.';
    case 'NetworkError':
      return 'The port cannot be opened: another program has it. Close that program (picocom, Thonny, Arduino) and press Connect again. On Linux your user needs to be in the group dialout.';
    default:
      return `The port cannot be opened: ${error instanceof Error ? error.message : error}. Unplug the board, plug it in and press Connect again.`;
  }
}

/** An open port: bytes to and from the board until it is closed or unplugged. */
export class Connection {
  private writer: WritableStreamDefaultWriter<Uint8Array>;
  private reader: ReadableStreamDefaultReader<Uint8Array>;
  private closing = false;
  /** Fulfilled when the connection has ended: true if the board left by itself. */
  readonly ended: Promise<boolean>;

  private constructor(
    private readonly port: SerialPort,
    onBytes: (bytes: Uint8Array) => void,
  ) {
    if (!port.readable || !port.writable) throw new Error('the port is closed');
    this.writer = port.writable.getWriter();
    this.reader = port.readable.getReader();
    this.ended = this.read(onBytes);
  }
  static async open(port: SerialPort, onBytes: (bytes: Uint8Array) => void): Promise<Connection> {
    // The board ignores the rate; 1200 would ask it for BOOTSEL mode.
    await port.open({ baudRate: 115200 });
    return new Connection(port, onBytes);
  }
  write(bytes: Uint8Array): void {
    // Fails once the board is unplugged, which read() reports.
    this.writer.write(bytes).catch(() => {});
  }
  async close(): Promise<void> {
    this.closing = true;
    await this.reader.cancel();
    await this.ended;
  }

  private async read(onBytes: (bytes: Uint8Array) => void): Promise<boolean> {
    try {
      for (;;) {
        const { value, done } = await this.reader.read();
        if (done) break;
        onBytes(value);
      }
    } catch {
      // Unplugged: NetworkError.
    }
    this.reader.releaseLock();
    await this.writer.close().catch(() => {});
    await this.port.close().catch(() => {});
    return !this.closing;
  }
}
