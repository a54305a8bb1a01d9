// PICOBOOT: the interface of a board in BOOTSEL mode. Source: RP2350 datasheet, section 5.6.
import { claimVendorInterface, type UsbDevice } from './usb.js';

const MAGIC = 0x431fd10b;
const COMMAND_BYTES = 32;
const STATUS_BYTES = 16;
const PROTOCOL = 0;

enum Command {
  exclusiveAccess = 0x01,
  flashErase = 0x03,
  write = 0x05,
  exitXip = 0x06,
  reboot2 = 0x0a,
  read = 0x84,
  otpRead = 0x8c,
}
enum Request {
  interfaceReset = 0x41,
  getCommandStatus = 0x42,
}
/** dStatusCode, section 5.6.5.2. */
const STATUSES = [
  'no reason',
  'unknown command',
  'invalid command length',
  'invalid transfer length',
  'invalid address',
  'bad alignment',
  'interleaved write by the USB drive',
  'the board is rebooting',
  'unknown error',
  'invalid state',
  'not permitted',
  'invalid argument',
  'buffer too small',
  'precondition not met',
  'modified data',
  'invalid data',
  'not found',
  'unsupported modification',
];
/** OTP row: the number of GPIOs, which GET_INFO of the first chips does not tell (erratum RP2350-E23). */
const NUM_GPIOS = 0x018;

/** The board has refused a command. */
export class Refusal extends Error {}

export class Picoboot {
  private token = 0;

  private constructor(
    private readonly device: UsbDevice,
    private readonly number: number,
    private readonly endpoint: { in: number; out: number },
  ) {}

  /** Undefined for a device that has no PICOBOOT interface. */
  static async open(device: UsbDevice): Promise<Picoboot | undefined> {
    const found = await claimVendorInterface(device, PROTOCOL);
    const bulk = found?.alternate.endpoints.filter(({ type }) => type === 'bulk') ?? [];
    const input = bulk.find(({ direction }) => direction === 'in');
    const output = bulk.find(({ direction }) => direction === 'out');
    if (!found || !input || !output) return undefined;
    const endpoint = { in: input.endpointNumber, out: output.endpointNumber };
    const picoboot = new Picoboot(device, found.interfaceNumber, endpoint);
    await picoboot.reset();
    return picoboot;
  }

  /** Keeps the USB drive from writing. */
  exclusiveAccess(): Promise<void> {
    return this.commandOut(Command.exclusiveAccess, Uint8Array.of(1));
  }
  exitXip(): Promise<void> {
    return this.commandOut(Command.exitXip, new Uint8Array(0));
  }
  /** Requires: a multiple of 4096. */
  erase(address: number, bytes: number): Promise<void> {
    return this.commandOut(Command.flashErase, words(address, bytes));
  }
  /** Requires: an address that is a multiple of 256, in erased flash. */
  write(address: number, data: Uint8Array): Promise<void> {
    return this.commandOut(Command.write, words(address, data.length), data);
  }
  read(address: number, bytes: number): Promise<Uint8Array> {
    return this.commandIn(Command.read, words(address, bytes), bytes);
  }
  /** 48 for an RP2350B, 30 for an RP2350A. */
  async gpios(): Promise<number> {
    const row = new Uint8Array(5);
    row.set(words(NUM_GPIOS | (1 << 16)));
    row[4] = 1; // with error correction: 16 bits
    return (await this.commandIn(Command.otpRead, row, 2))[0] ?? 0;
  }
  /** Boots from flash as after power-on. */
  reboot(delayMs: number): Promise<void> {
    return this.commandOut(Command.reboot2, words(0, delayMs, 0, 0));
  }

  /** The phases are queued together: the board takes each when it is due, and the computer need not wait between them. */
  private async commandOut(command: Command, args: Uint8Array, data?: Uint8Array): Promise<void> {
    const { device, endpoint } = this;
    const phases = [
      device.transferOut(endpoint.out, this.packet(command, args, data?.length ?? 0) as BufferSource),
    ];
    if (data) phases.push(device.transferOut(endpoint.out, data as BufferSource));
    phases.push(device.transferIn(endpoint.in, 64)); // an empty packet
    if ((await Promise.all(phases)).some(({ status }) => status !== 'ok')) await this.refused(command);
  }
  private async commandIn(command: Command, args: Uint8Array, bytes: number): Promise<Uint8Array> {
    const { device, endpoint } = this;
    const [sent, received] = await Promise.all([
      device.transferOut(endpoint.out, this.packet(command, args, bytes) as BufferSource),
      device.transferIn(endpoint.in, bytes),
    ]);
    const { data } = received;
    if (sent.status !== 'ok' || received.status !== 'ok' || !data) return this.refused(command);
    const { status } = await device.transferOut(endpoint.out, new Uint8Array(0));
    if (status !== 'ok') return this.refused(command);
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  private packet(command: Command, args: Uint8Array, transfer: number): Uint8Array {
    const packet = new Uint8Array(COMMAND_BYTES);
    const view = new DataView(packet.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, ++this.token, true);
    view.setUint8(8, command);
    view.setUint8(9, args.length);
    view.setUint32(12, transfer, true);
    packet.set(args, 16);
    return packet;
  }
  private async refused(command: Command): Promise<never> {
    const { data } = await this.device.controlTransferIn(this.setup(Request.getCommandStatus), STATUS_BYTES);
    const status = data && data.byteLength >= 8 ? data.getUint32(4, true) : 0;
    await this.reset();
    throw new Refusal(`${Command[command]}: ${STATUSES[status] ?? `status ${status}`}`);
  }
  private async reset(): Promise<void> {
    await this.device.clearHalt('in', this.endpoint.in);
    await this.device.clearHalt('out', this.endpoint.out);
    await this.device.controlTransferOut(this.setup(Request.interfaceReset));
  }
  private setup(request: Request) {
    return { requestType: 'vendor', recipient: 'interface', request, value: 0, index: this.number } as const;
  }
}

function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setUint32(4 * i, value, true);
  });
  return bytes;
}
