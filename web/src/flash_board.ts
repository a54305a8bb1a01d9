// Writes pages to the flash of a board in BOOTSEL mode, and restarts it.
import { Picoboot, Refusal } from './picoboot.js';
import type { Page } from './uf2.js';
import type { UsbDevice } from './usb.js';

const SECTOR = 4096;
const RESTART_MS = 500;

/** A second attempt would fail too; the message says what to do. */
export class WriteError extends Error {}

/** The device went away, or a transfer failed, when `done` of `total` sectors were written. */
export class BrokenOff extends Error {
  constructor(
    readonly done: number,
    readonly total: number,
    cause: unknown,
  ) {
    super(`the transfer broke off: ${cause instanceof Error ? cause.message : cause}`);
  }
}

interface Sector {
  address: number;
  bytes: Uint8Array;
}

/** Whole sectors; what no page fills stays as erased. */
function sectorsOf(pages: Page[]): Sector[] {
  const sectors = new Map<number, Uint8Array>();
  for (const page of pages) {
    const address = page.address - (page.address % SECTOR);
    const bytes = sectors.get(address) ?? new Uint8Array(SECTOR).fill(0xff);
    bytes.set(page.bytes, page.address - address);
    sectors.set(address, bytes);
  }
  return [...sectors].map(([address, bytes]) => ({ address, bytes })).sort((a, b) => a.address - b.address);
}

/**
 * `gpios`: of the board that the pages are for. The sector with the lowest address, where the boot ROM looks for a program and the
 * firmware for a model, is erased first and written last: until then nothing half-written boots, and a board whose cable was pulled
 * is in BOOTSEL mode when it is plugged in again.
 * Errors: WriteError, BrokenOff; before anything was erased, WebUSB's own.
 */
export async function writeBoard(
  device: UsbDevice,
  pages: Page[],
  gpios: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const [first, ...others] = sectorsOf(pages);
  if (!first) throw new WriteError('There is nothing to write.');
  const total = others.length + 1;
  let done = 0;
  let begun = false;
  try {
    const picoboot = await Picoboot.open(device);
    if (!picoboot) throw new WriteError('This is no RP2350 in BOOTSEL mode. Hold BOOT while you plug it in.');
    const found = await picoboot.gpios();
    if (found !== gpios) {
      const chip = found === 30 ? 'an RP2350A (30 GPIOs)' : `an RP2350 with ${found} GPIOs`;
      throw new WriteError(
        `This board has ${chip}; the file is for one with ${gpios}. Choose the board that you have.`,
      );
    }
    await picoboot.exclusiveAccess();
    await picoboot.exitXip();
    begun = true;
    await picoboot.erase(first.address, SECTOR);
    for (const sector of [...others, first]) {
      if (sector !== first) await picoboot.erase(sector.address, SECTOR);
      await picoboot.write(sector.address, sector.bytes);
      const read = await picoboot.read(sector.address, SECTOR);
      if (!sector.bytes.every((byte, i) => byte === read[i])) {
        const where = `0x${sector.address.toString(16)}`;
        throw new WriteError(
          `The flash at ${where} does not hold what was written. Try again; the chip may be worn out.`,
        );
      }
      onProgress(++done, total);
    }
    // The board may be gone before the computer has read its answer.
    await picoboot.reboot(RESTART_MS).catch((error) => {
      if (error instanceof Refusal) throw error;
    });
  } catch (error) {
    if (error instanceof WriteError) throw error;
    if (error instanceof Refusal)
      throw new WriteError(`The board refused: ${error.message}. Plug it in again with BOOT held.`);
    throw begun ? new BrokenOff(done, total, error) : error;
  } finally {
    await device.close().catch(() => {});
  }
}
