// The part of WebUSB that the page uses. Source: the WebUSB API, WICG draft.
export interface UsbEndpoint {
  readonly endpointNumber: number;
  readonly direction: 'in' | 'out';
  readonly type: 'bulk' | 'interrupt' | 'isochronous';
}

export interface UsbInterface {
  readonly interfaceNumber: number;
  readonly alternate: {
    readonly interfaceClass: number;
    readonly interfaceSubclass: number;
    readonly interfaceProtocol: number;
    readonly endpoints: UsbEndpoint[];
  };
}

export interface ControlSetup {
  requestType: 'standard' | 'class' | 'vendor';
  recipient: 'device' | 'interface' | 'endpoint' | 'other';
  request: number;
  value: number;
  index: number;
}

export type TransferStatus = 'ok' | 'stall' | 'babble';

export interface UsbDevice {
  readonly vendorId: number;
  readonly productId: number;
  readonly serialNumber?: string;
  readonly opened: boolean;
  readonly configuration: { readonly interfaces: UsbInterface[] } | null;
  open(): Promise<void>;
  close(): Promise<void>;
  selectConfiguration(value: number): Promise<void>;
  claimInterface(number: number): Promise<void>;
  controlTransferIn(
    setup: ControlSetup,
    length: number,
  ): Promise<{ status: TransferStatus; data?: DataView }>;
  controlTransferOut(setup: ControlSetup, data?: BufferSource): Promise<{ status: TransferStatus }>;
  clearHalt(direction: 'in' | 'out', endpoint: number): Promise<void>;
  transferIn(endpoint: number, length: number): Promise<{ status: TransferStatus; data?: DataView }>;
  transferOut(endpoint: number, data: BufferSource): Promise<{ status: TransferStatus }>;
}

export interface UsbConnection extends Event {
  readonly device: UsbDevice;
}

export interface Usb {
  getDevices(): Promise<UsbDevice[]>;
  requestDevice(options: { filters: { vendorId: number; productId?: number }[] }): Promise<UsbDevice>;
  addEventListener(kind: 'connect' | 'disconnect', listener: (event: UsbConnection) => void): void;
  removeEventListener(kind: 'connect' | 'disconnect', listener: (event: UsbConnection) => void): void;
}

/** Of Raspberry Pi: the boot ROM's and the firmware's. */
export const VENDOR = 0x2e8a;

/** Opens a device with its only configuration, and claims the vendor interface of this protocol; undefined: it has none. */
export async function claimVendorInterface(
  device: UsbDevice,
  protocol: number,
): Promise<UsbInterface | undefined> {
  if (!device.opened) await device.open();
  if (!device.configuration) await device.selectConfiguration(1);
  const found = device.configuration?.interfaces.find(
    ({ alternate }) =>
      alternate.interfaceClass === 0xff &&
      alternate.interfaceSubclass === 0 &&
      alternate.interfaceProtocol === protocol,
  );
  if (found) await device.claimInterface(found.interfaceNumber);
  return found;
}
