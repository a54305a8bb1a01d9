// One run of the pico-llama command in a Web Worker; the page ends the worker to cancel it.
import { MemoryFiles } from './files.js';
import { runCommand } from './program.js';

export interface ToCommand {
  module: WebAssembly.Module;
  words: string[];
  files: { path: string; bytes: Uint8Array }[];
  /** Path to hand back. */
  result?: string;
}

export type FromCommand =
  | { kind: 'output'; bytes: Uint8Array }
  | { kind: 'error'; bytes: Uint8Array }
  | { kind: 'exit'; code: number; result?: Uint8Array };

const post = (message: FromCommand) => globalThis.postMessage(message);

globalThis.onmessage = (event: MessageEvent<ToCommand>) => {
  const { module, words, files: given, result } = event.data;
  const files = new MemoryFiles();
  for (const { path, bytes } of given) files.put(path, bytes);
  const streams = {
    output: (bytes: Uint8Array) => post({ kind: 'output', bytes }),
    error: (bytes: Uint8Array) => post({ kind: 'error', bytes }),
    errorIsTerminal: true,
  };
  let code: number;
  try {
    code = runCommand(module, words, files, streams);
  } catch (error) {
    const line = `pico-llama: ${error instanceof Error ? error.message : error}\n`;
    post({ kind: 'error', bytes: new TextEncoder().encode(line) });
    code = 1;
  }
  const bytes = result ? files.get(result) : undefined;
  post({ kind: 'exit', code, ...(bytes ? { result: bytes.slice() } : {}) });
};
