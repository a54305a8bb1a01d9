// Stand-ins for navigator.usb and navigator.serial: a cable to the virtual board of device_worker.ts, and the browser's part as the
// WebUSB and Web Serial drafts say: permissions, one connection a port, errors as DOMExceptions. The test moves the cable by
// window.cable.
import type { ControlSetup, TransferStatus, UsbDevice, UsbInterface } from '../src/usb.js';
import { type DeviceInfo, type FromDevice, type ToDevice, TransferEnd } from './device_worker.js';

const worker = new Worker('device_worker.js', { type: 'module' });
const send = (message: ToDevice) => worker.postMessage(message);
const lost = () => new DOMException('The device was disconnected.', 'NetworkError');

// --- transfers -----------------------------------------------------------------------------------------
interface Waiting {
  resolve(result: { status: TransferStatus; data: DataView }): void;
  reject(error: DOMException): void;
}
const waiting = new Map<number, Waiting>();
let ids = 0;

function transfer(message: (id: number) => ToDevice): Promise<{ status: TransferStatus; data: DataView }> {
  const id = ++ids;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    send(message(id));
  });
}

function finished(id: number, end: TransferEnd, data: Uint8Array): void {
  const { resolve, reject } = waiting.get(id) as Waiting;
  waiting.delete(id);
  if (end === TransferEnd.done || end === TransferEnd.stalled) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    resolve({ status: end === TransferEnd.done ? 'ok' : 'stall', data: view });
  } else {
    reject(lost());
  }
}

// --- navigator.usb ---------------------------------------------------------------------------------------
class Device implements UsbDevice {
  opened = false;
  configuration: { interfaces: UsbInterface[] } | null = null;
  private readonly claimed = new Set<number>();
  constructor(readonly info: DeviceInfo) {}
  get vendorId() {
    return this.info.vendorId;
  }
  get productId() {
    return this.info.productId;
  }
  get serialNumber() {
    return this.info.serial;
  }
  private check(): void {
    if (present !== this) throw new DOMException('The device was disconnected.', 'NotFoundError');
    if (!this.opened) throw new DOMException('The device must be opened first.', 'InvalidStateError');
  }
  async open() {
    if (present !== this) throw lost();
    if (faults.usbRefused) throw new DOMException('Access denied.', 'SecurityError');
    this.opened = true;
  }
  async close() {
    this.opened = false;
    this.claimed.clear();
  }
  async selectConfiguration(value: number) {
    this.check();
    if (value !== 1) throw new DOMException('No such configuration.', 'NotFoundError');
    const interfaces = this.info.interfaces.map((found) => ({
      interfaceNumber: found.number,
      alternate: {
        interfaceClass: found.class,
        interfaceSubclass: found.subclass,
        interfaceProtocol: found.protocol,
        endpoints: found.endpoints.map((endpoint) => ({
          endpointNumber: endpoint.number,
          direction: endpoint.in ? ('in' as const) : ('out' as const),
          type: endpoint.type === 2 ? ('bulk' as const) : ('interrupt' as const),
        })),
      },
    }));
    this.configuration = { interfaces };
  }
  async claimInterface(number: number) {
    this.check();
    const found = this.info.interfaces.find((one) => one.number === number);
    if (!found) throw new DOMException('No such interface.', 'NotFoundError');
    // The classes that Chrome protects: the system's drivers have them.
    if ([0x02, 0x08, 0x0a].includes(found.class)) throw new DOMException('Protected class.', 'SecurityError');
    this.claimed.add(number);
  }
  /** The interface of an endpoint must be claimed. */
  private checkEndpoint(number: number, input: boolean): void {
    this.check();
    const owner = this.info.interfaces.find(({ endpoints }) =>
      endpoints.some((one) => one.number === number && one.in === input),
    );
    if (!owner || !this.claimed.has(owner.number))
      throw new DOMException('The endpoint is not part of a claimed interface.', 'NotFoundError');
  }
  private control(setup: ControlSetup, input: boolean, length: number) {
    this.check();
    if (setup.recipient === 'interface' && !this.claimed.has(setup.index))
      throw new DOMException('The interface is not claimed.', 'InvalidStateError');
    const kind = { standard: 0, class: 1, vendor: 2 }[setup.requestType];
    const recipient = { device: 0, interface: 1, endpoint: 2, other: 3 }[setup.recipient];
    const type = (input ? 0x80 : 0) | (kind << 5) | recipient;
    const { request, value, index } = setup;
    return transfer((id) => ({ kind: 'control', id, type, request, value, index, length }));
  }
  async controlTransferIn(setup: ControlSetup, length: number) {
    return this.control(setup, true, length);
  }
  async controlTransferOut(setup: ControlSetup) {
    return this.control(setup, false, 0);
  }
  async clearHalt(direction: 'in' | 'out', endpoint: number) {
    this.checkEndpoint(endpoint, direction === 'in');
    await transfer((id) => ({ kind: 'clear-halt', id, endpoint, input: direction === 'in' }));
  }
  async transferIn(endpoint: number, length: number) {
    this.checkEndpoint(endpoint, true);
    return transfer((id) => ({ kind: 'in', id, endpoint, length }));
  }
  async transferOut(endpoint: number, data: BufferSource) {
    this.checkEndpoint(endpoint, false);
    const bytes = new Uint8Array(data as ArrayBuffer | Uint8Array<ArrayBuffer>);
    return transfer((id) => ({ kind: 'out', id, endpoint, data: bytes }));
  }
}

class Usb extends EventTarget {
  async getDevices() {
    return present && granted.has(keyOf(present.info)) ? [present] : [];
  }
  async requestDevice({ filters }: { filters: { vendorId: number; productId?: number }[] }) {
    const { info } = present ?? {};
    const fits = filters.some(
      ({ vendorId, productId }) =>
        vendorId === info?.vendorId && (productId === undefined || productId === info.productId),
    );
    if (!present || !fits) throw new DOMException('No device selected.', 'NotFoundError');
    granted.add(keyOf(present.info));
    return present;
  }
}
const usb = new Usb();
let present: Device | undefined;
/** Permissions outlive the device's presence. */
const granted = new Set<string>();
const keyOf = (info: DeviceInfo) => `${info.vendorId}:${info.productId}:${info.serial}`;

function changed(info: DeviceInfo | undefined): void {
  const before = present;
  if (before) {
    before.opened = false;
    if (granted.has(keyOf(before.info)))
      usb.dispatchEvent(Object.assign(new Event('disconnect'), { device: before }));
    port.disconnected();
  }
  present = info ? new Device(info) : undefined;
  if (info && granted.has(keyOf(info)))
    usb.dispatchEvent(Object.assign(new Event('connect'), { device: present }));
}

// --- navigator.serial ------------------------------------------------------------------------------------
const CDC = 0x02;
const faults = { serialRefusal: '', portTaken: false, usbRefused: false };

class Port {
  readable: ReadableStream<Uint8Array> | null = null;
  writable: WritableStream<Uint8Array> | null = null;
  private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  async open({ baudRate }: { baudRate: number }) {
    if (this.readable) throw new DOMException('The port is already open.', 'InvalidStateError');
    if (faults.portTaken) throw new DOMException('Failed to open serial port.', 'NetworkError');
    if (baudRate === 1200) throw new Error('1200 baud asks for BOOTSEL mode');
    this.readable = new ReadableStream({
      start: (controller) => {
        this.controller = controller;
      },
    });
    this.writable = new WritableStream({ write: (bytes) => send({ kind: 'type', bytes }) });
    send({ kind: 'open-port', open: true });
  }
  async close() {
    this.readable = this.writable = null;
    this.controller = undefined;
    if (present) send({ kind: 'open-port', open: false });
  }
  output(bytes: Uint8Array): void {
    this.controller?.enqueue(bytes);
  }
  disconnected(): void {
    this.controller?.error(new DOMException('The device has been lost.', 'NetworkError'));
    this.controller = undefined;
  }
}
const port = new Port();
const serial = {
  async requestPort({ filters }: { filters: { usbVendorId: number }[] }) {
    if (faults.serialRefusal) throw new DOMException('refused', faults.serialRefusal);
    const listed =
      present?.info.interfaces.some((one) => one.class === CDC) &&
      filters.some(({ usbVendorId }) => usbVendorId === present?.info.vendorId);
    if (!listed) throw new DOMException('No port selected by the user.', 'NotFoundError');
    return port;
  },
};

worker.onmessage = ({ data }: MessageEvent<FromDevice>) => {
  if (data.kind === 'device') changed(data.info);
  else if (data.kind === 'output') port.output(data.bytes);
  else if (data.kind === 'finished') finished(data.id, data.end, data.data);
  else throw new Error(data.message);
};
for (const [name, value] of Object.entries({ usb, serial }))
  Object.defineProperty(navigator, name, { value });
Object.assign(window, {
  cable: { send, faults, device: () => present?.info },
});
