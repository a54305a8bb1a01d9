// A checkpoint's profiles side by side: bytes, boards, and tokens a second on the virtual board.
import type { Outcome } from './command.js';
import type { ToCommand } from './command_worker.js';
import { download, element } from './dom.js';

export type NamedBytes = { path: string; bytes: Uint8Array };
/** Runs the command; undefined: it was cancelled or failed, which was said. */
export type Run = (
  request: Omit<ToCommand, 'module'>,
  onOutput: (text: string) => void,
  onError?: (text: string) => void,
) => Promise<Outcome | undefined>;

const PROFILES = ['q8', 'q4', 'f32'];
/** Enough for a speed, and few where each takes a second of simulated time. */
const STEPS = 24;

/** The packer's lines: "FILE: q8, 305408 bytes (...)" and "Pico 2         yes  DETAILS". */
export function packedFacts(log: string): { bytes: number; boards: { name: string; fits: string }[] } {
  const bytes = Number(log.match(/: \w+, (\d+) bytes \(/)?.[1] ?? 0);
  const boards = [...log.matchAll(/^(Pico\b.*?) +(yes|no) +(.*)$/gm)].map(([, name, fits, details]) => ({
    name: name ?? '',
    fits: `${fits}: ${details}`,
  }));
  return { bytes, boards };
}

/** `pack`: the words of a packer's run; fills the table row by row. */
export async function showProfiles(
  pack: (profile: string) => string[],
  files: NamedBytes[],
  run: Run,
): Promise<void> {
  const rows = element('profile-rows');
  rows.replaceChildren();
  element('profiles').hidden = false;
  const firmware = await download('firmware.uf2');
  for (const profile of PROFILES) {
    let log = '';
    const words = [...pack(profile), '-o', 'model.uf2'];
    const packed = await run(
      { words, files, result: '/model.uf2' },
      () => {},
      (text) => {
        log += text;
      },
    );
    if (packed?.code !== 0 || !packed.result) return;
    const { bytes, boards } = packedFacts(log);
    const row = document.createElement('tr');
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = profile;
    const cells = [`${bytes.toLocaleString('en')} B`, ...boards.map(({ fits }) => fits), 'being tried…'].map(
      (text) => {
        const cell = document.createElement('td');
        cell.textContent = text;
        return cell;
      },
    );
    row.append(name, ...cells);
    rows.append(row);
    const speed = cells.at(-1) as HTMLTableCellElement;
    if (!boards[0]?.fits.startsWith('yes')) {
      speed.textContent = '';
      continue;
    }
    let told = '';
    const send = ['/temp 0', `/steps ${STEPS}`, 'Once upon a time'].flatMap((line) => ['--send', line]);
    const tried = await run(
      {
        words: ['simulate', 'firmware.uf2', 'model.uf2', ...send, '--expect', 'tok/s'],
        files: [
          { path: '/firmware.uf2', bytes: firmware },
          { path: '/model.uf2', bytes: packed.result },
        ],
      },
      (text) => {
        told += text;
      },
    );
    speed.textContent = told.match(/tokens, ([\d.]+ tok\/s)/)?.[1] ?? 'not tried';
    if (!tried) return;
  }
}
