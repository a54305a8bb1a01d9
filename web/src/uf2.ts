// UF2 files that the build or the packer wrote. Source: RP2350 datasheet, section 5.5; formats/uf2.cpp checks other people's.

const BLOCK = 512;
const FAMILIES = [0xe48bff57, 0xe48bff58, 0xe48bff59]; // absolute, data, Arm Secure
/** Where models begin in flash; programs end before it. */
const CARTRIDGE = 0x10080000;
const FLASH_END = 0x11000000;
const PAYLOAD = 256;

export interface Page {
  address: number;
  bytes: Uint8Array;
}

function blocks(file: Uint8Array): { view: DataView; address: number; bytes: Uint8Array }[] {
  const found = [];
  for (let at = 0; at + BLOCK <= file.length; at += BLOCK) {
    const view = new DataView(file.buffer, file.byteOffset + at, BLOCK);
    const address = view.getUint32(12, true);
    // A block of another chip's, or the one against erratum RP2350-E10, which is no content.
    if (!FAMILIES.includes(view.getUint32(28, true)) || address >= FLASH_END - PAYLOAD) continue;
    found.push({ view, address, bytes: file.subarray(at, at + BLOCK) });
  }
  return found;
}

/** The pages of 256 bytes that a file puts into flash. */
export function pagesOf(file: Uint8Array): Page[] {
  return blocks(file).map(({ address, bytes }) => ({ address, bytes: bytes.subarray(32, 32 + PAYLOAD) }));
}

export const isModelPage = ({ address }: { address: number }) => address >= CARTRIDGE;

/** The models of a file, as a file of their own. */
export function modelsOf(file: Uint8Array): Uint8Array {
  const models = blocks(file).filter(isModelPage);
  const copy = new Uint8Array(models.length * BLOCK);
  models.forEach(({ bytes }, i) => {
    copy.set(bytes, i * BLOCK);
    const view = new DataView(copy.buffer, i * BLOCK);
    view.setUint32(20, i, true);
    view.setUint32(24, models.length, true);
  });
  return copy;
}
