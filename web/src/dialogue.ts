// A command to a board's console, and its answer.

const PROMPT = '\n> ';
const INTERRUPT = '\u0003'; // ends a story; at the prompt, drops what was typed
const encoder = new TextEncoder();
const escapes = new RegExp(`${'\u001b'}(\\[[0-9;?]*[A-Za-z]|[78])|\r`, 'g');

interface Question {
  command: string;
  text: string;
  resolve(answer: string): void;
  reject(error: Error): void;
}

export class Dialogue {
  private question: Question | undefined;
  private readonly decoder = new TextDecoder();

  constructor(private readonly type: (bytes: Uint8Array) => void) {}

  /** The text that the board prints between the command's line and its next prompt. Errors: end()'s. */
  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.question = { command, text: '', resolve, reject };
      this.type(encoder.encode(`${INTERRUPT}${command}\r`));
    });
  }
  /** Output of the board. */
  hear(bytes: Uint8Array): void {
    const text = this.decoder.decode(bytes, { stream: true });
    if (!this.question) return;
    this.question.text += text;
    const plain = this.question.text.replaceAll(escapes, '');
    const echo = plain.lastIndexOf(`> ${this.question.command}\n`);
    if (echo < 0) return;
    const answer = plain.slice(echo + this.question.command.length + 3);
    if (!`\n${answer}`.endsWith(PROMPT)) return;
    this.question.resolve(answer.slice(0, -PROMPT.length));
    this.question = undefined;
  }
  /** The board is gone. */
  end(reason: string): void {
    this.question?.reject(new Error(reason));
    this.question = undefined;
  }
}
