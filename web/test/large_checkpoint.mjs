// A model as large as those that stream from flash, for tests of the page's packer.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a checkpoint with the shape of stories15M and a tokenizer: 58 MB of pseudo-random numbers. Returns their paths. */
export function largeCheckpoint(folder) {
  const shape = { dim: 288, hidden: 768, layers: 6, heads: 6, kvHeads: 6, vocabulary: 32_000, context: 256 };
  const { dim, hidden, layers, vocabulary, context } = shape;
  const weights = vocabulary * dim + layers * (2 * dim + 4 * dim * dim + 3 * dim * hidden) + dim;
  const numbers = new Float32Array(weights + context * (dim / shape.heads)); // and the RoPE tables
  for (let i = 0, x = 1; i < numbers.length; ++i) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    numbers[i] = x / 2 ** 34;
  }
  const checkpoint = join(folder, 'large.bin');
  const header = new Uint8Array(Int32Array.from(Object.values(shape)).buffer);
  writeFileSync(checkpoint, Buffer.concat([header, new Uint8Array(numbers.buffer)]));
  const pieces = Array.from({ length: vocabulary }, (_, i) => {
    const special = ['<unk>', '\n<s>\n', '\n</s>\n'];
    const byte = `<0x${(i - 3).toString(16).toUpperCase().padStart(2, '0')}>`;
    const text = Buffer.from(special[i] ?? (i < 259 ? byte : i.toString(36)));
    const entry = Buffer.alloc(8 + text.length);
    entry.writeFloatLE(-i, 0);
    entry.writeInt32LE(text.length, 4);
    text.copy(entry, 8);
    return entry;
  });
  const tokenizer = join(folder, 'large.tok.bin');
  const longest = Buffer.alloc(4);
  longest.writeInt32LE(8);
  writeFileSync(tokenizer, Buffer.concat([longest, ...pieces]));
  return [checkpoint, tokenizer];
}
