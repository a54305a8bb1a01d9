// Runs of the pico-llama command from the page.
import type { FromCommand, ToCommand } from './command_worker.js';

export interface Outcome {
  code: number;
  result?: Uint8Array;
}

export class Cancelled extends Error {}

export class CommandRun {
  readonly done: Promise<Outcome>;
  private readonly worker = new Worker('command_worker.js', { type: 'module' });
  private reject: (error: Error) => void = () => {};

  constructor(request: ToCommand, onOutput: (text: string) => void, onError: (text: string) => void) {
    const decoders = { output: new TextDecoder(), error: new TextDecoder() };
    this.done = new Promise((resolve, reject) => {
      this.reject = reject;
      this.worker.onerror = (event) => reject(new Error(event.message));
      this.worker.onmessage = (event: MessageEvent<FromCommand>) => {
        const message = event.data;
        if (message.kind === 'output') onOutput(decoders.output.decode(message.bytes, { stream: true }));
        else if (message.kind === 'error') onError(decoders.error.decode(message.bytes, { stream: true }));
        else {
          this.worker.terminate();
          resolve(message.result ? { code: message.code, result: message.result } : { code: message.code });
        }
      };
    });
    this.worker.postMessage(request);
  }
  cancel(): void {
    this.worker.terminate();
    this.reject(new Cancelled('cancelled'));
  }
}

/** Firmware and model as one UF2 file, as `pico-llama uf2` writes it. Rejects with the command's error text. */
export async function joinFirmwareAndModel(
  program: Promise<WebAssembly.Module>,
  firmware: Uint8Array,
  model: Uint8Array,
): Promise<Uint8Array> {
  let errors = '';
  const run = new CommandRun(
    {
      module: await program,
      words: ['uf2', 'firmware.uf2', 'model.uf2', '-o', 'story.uf2'],
      files: [
        { path: '/firmware.uf2', bytes: firmware },
        { path: '/model.uf2', bytes: model },
      ],
      result: '/story.uf2',
    },
    () => {},
    (text) => {
      errors += text;
    },
  );
  const { result } = await run.done;
  if (!result) throw new Error(errors);
  return result;
}
