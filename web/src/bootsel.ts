// Boards on USB, in BOOTSEL mode or with the firmware running.
import { claimVendorInterface, type Usb, type UsbConnection, type UsbDevice, VENDOR } from './usb.js';

/** Of the boot ROM's device. Source: RP2350 datasheet, section 5.6.1. */
const BOOT_PRODUCT = 0x000f;
/** The reset interface of the firmware. Source: the SDK's pico/usb_reset_interface.h. */
const RESET_PROTOCOL = 1;
const RESET_TO_BOOTSEL = 1;

export const FILTERS = [{ vendorId: VENDOR }];

export function isBootsel(device: UsbDevice): boolean {
  return device.vendorId === VENDOR && device.productId === BOOT_PRODUCT;
}

/** Asks a running firmware for BOOTSEL mode. False: it has no reset interface. */
export async function requestBootsel(device: UsbDevice): Promise<boolean> {
  const found = await claimVendorInterface(device, RESET_PROTOCOL);
  if (!found) {
    await device.close();
    return false;
  }
  const setup = {
    requestType: 'class',
    recipient: 'interface',
    request: RESET_TO_BOOTSEL,
    value: 0,
    index: found.interfaceNumber,
  } as const;
  // The board resets instead of answering.
  await device.controlTransferOut(setup).catch(() => {});
  await device.close().catch(() => {});
  return true;
}

/** A board in BOOTSEL mode that this page may use: at once, or one that is plugged in within `ms`. */
export async function waitForBootsel(usb: Usb, ms: number): Promise<UsbDevice | undefined> {
  let listener: (event: UsbConnection) => void = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  const arrival = new Promise<UsbDevice | undefined>((resolve) => {
    listener = ({ device }) => {
      if (isBootsel(device)) resolve(device);
    };
    usb.addEventListener('connect', listener);
    timer = setTimeout(() => resolve(undefined), ms);
  });
  const present = (await usb.getDevices()).find(isBootsel);
  const device = present ?? (await arrival);
  clearTimeout(timer);
  usb.removeEventListener('connect', listener);
  return device;
}
