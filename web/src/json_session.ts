// A board's console in its mode for programs: one JSON object a line (docs/console.md). tools/console/dialogue.h does the same for
// serial ports.

const INTERRUPT = '\u0003'; // ends a story; at the prompt, drops what was typed
const PROMPT = '> ';
const encoder = new TextEncoder();

/** The last object of a story. */
export interface StoryEnd {
  stop: string;
  tokens: number;
  tokens_per_second: number;
  seed: number | string;
}

type Message = { text?: string; prompt?: boolean; message?: string; error?: string } & Partial<StoryEnd>;

export class JsonSession {
  private readonly decoder = new TextDecoder();
  private buffer = '';
  private wake = () => {};
  private failure: Error | undefined;
  private stopped = false;
  private telling = false;
  /** Commands that give the board its settings back. */
  private readonly restoring: string[] = [];

  constructor(private readonly write: (bytes: Uint8Array) => void) {}

  /** Output of the board. */
  hear(bytes: Uint8Array): void {
    this.buffer += this.decoder.decode(bytes, { stream: true });
    this.wake();
  }
  /** The board is gone: whatever is waited for fails with this reason. */
  end(reason: string): void {
    this.failure = new Error(reason);
    this.wake();
  }
  /** Ends the story, or the one that is about to begin. */
  stop(): void {
    this.stopped = true;
    if (this.telling) this.type(INTERRUPT);
  }

  async open(): Promise<void> {
    this.type(`${INTERRUPT}/json on\r`);
    while ((await this.line()) !== '{"message":"json on"}');
  }
  /** `/COMMAND VALUE` until close(). Errors: the board's own line, for a value that it does not take. */
  async set(command: string, value: string): Promise<void> {
    const before = await this.ask(`/${command}`);
    // "temperature 0.8", "seed random for each story": the second word; "temperature 0.8 (default)": default.
    const word = before.endsWith(' (default)') ? 'default' : (before.split(' ')[1] ?? '');
    this.restoring.push(`/${command} ${word}`);
    await this.ask(`/${command} ${value}`);
  }
  /** A story that begins so. `onText`: each token's text, those of the prompt too. Undefined: stopped before it began. */
  async tell(
    beginning: string,
    onText: (text: string, generated: boolean) => void,
  ): Promise<StoryEnd | undefined> {
    if (this.stopped) return undefined;
    this.telling = true;
    this.type(`/tell ${JSON.stringify(beginning)}\r`);
    for (;;) {
      const object = await this.object();
      if (object.message !== undefined) throw new Error(object.message); // there is no model
      if (object.text !== undefined) onText(object.text, object.prompt !== true);
      if (object.stop === undefined) continue;
      this.telling = false;
      return object as StoryEnd;
    }
  }
  /** Restores the settings and leaves the mode: the board is at its prompt. */
  async close(): Promise<void> {
    this.telling = false;
    for (const command of this.restoring.reverse()) await this.ask(command);
    this.type('/json off\r');
    while (!(await this.line()).includes('json off'));
    while (this.buffer !== PROMPT) await this.more();
  }

  private type(text: string): void {
    this.write(encoder.encode(text));
  }
  private async more(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    if (this.failure) throw this.failure;
  }
  private async line(): Promise<string> {
    for (;;) {
      const end = this.buffer.indexOf('\n');
      if (end >= 0) {
        const line = this.buffer.slice(0, end).replace(/\r$/, '');
        this.buffer = this.buffer.slice(end + 1);
        return line;
      }
      await this.more();
    }
  }
  private async object(): Promise<Message> {
    for (;;) {
      const line = await this.line();
      if (!line.startsWith('{')) continue; // of what was printed before
      const object = JSON.parse(line) as Message;
      if (object.error !== undefined) throw new Error(`the board says: ${object.error}`);
      return object;
    }
  }
  private async ask(command: string): Promise<string> {
    this.type(`${command}\r`);
    for (;;) {
      const { message } = await this.object();
      if (message !== undefined) return message;
    }
  }
}
