// Your own model: files in, a cartridge out.
import type { BoardView } from './board_view.js';
import { Cancelled, CommandRun, joinFirmwareAndModel } from './command.js';
import type { ToCommand } from './command_worker.js';
import { download, element } from './dom.js';
import type { FlashForm } from './flash_form.js';
import { type NamedBytes, showProfiles } from './profile_table.js';

/** A smaller file is not taken for a checkpoint; it may be a tokenizer. */
const LEAST_CHECKPOINT = 1 << 16;

/** Which of the files is the checkpoint and which its tokenizer. Undefined: not said, the packer looks for it itself. */
export function roles(files: { name: string; size: number }[]): { checkpoint?: string; tokenizer?: string } {
  const tokenizerName = /tok|\.model$/i;
  const bySize = [...files].sort((a, b) => b.size - a.size);
  const models = bySize.filter((file) => !/\.json$/i.test(file.name) && !tokenizerName.test(file.name));
  const checkpoint = models[0] ?? bySize.find((file) => file.size >= LEAST_CHECKPOINT) ?? bySize[0];
  const others = bySize.filter((file) => file !== checkpoint);
  const tokenizer =
    others.find((file) => tokenizerName.test(file.name) && !/config/i.test(file.name)) ??
    others.find((file) => /\.(bin|model)$/i.test(file.name));
  return {
    ...(checkpoint ? { checkpoint: checkpoint.name } : {}),
    ...(tokenizer ? { tokenizer: tokenizer.name } : {}),
  };
}

export function startModelForm(
  program: Promise<WebAssembly.Module>,
  board: BoardView,
  flash: FlashForm,
): void {
  let chosen: File[] = [];
  let model: Uint8Array | undefined;
  let run: CommandRun | undefined;
  const log = element('pack-log');
  const pack = element<HTMLButtonElement>('pack');
  const compare = element<HTMLButtonElement>('compare');
  const cancel = element('cancel');
  const progress = element<HTMLProgressElement>('progress');
  const packed = element('packed');
  const drop = element('drop');

  const choose = (files: FileList | null) => {
    chosen = [...(files ?? [])];
    const { checkpoint, tokenizer } = roles(chosen);
    element('chosen').replaceChildren(
      ...chosen.map((file) => {
        const item = document.createElement('li');
        const role =
          file.name === checkpoint ? ' (checkpoint)' : file.name === tokenizer ? ' (tokenizer)' : '';
        item.textContent = `${file.name}, ${file.size.toLocaleString('en')} bytes${role}`;
        return item;
      }),
    );
    pack.disabled = compare.disabled = chosen.length === 0;
    packed.hidden = element('profiles').hidden = true;
    log.textContent = '';
  };
  element<HTMLInputElement>('files').onchange = (event) => choose((event.target as HTMLInputElement).files);
  drop.ondragover = (event) => {
    event.preventDefault();
    drop.classList.add('over');
  };
  drop.ondragleave = () => drop.classList.remove('over');
  drop.ondrop = (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    choose(event.dataTransfer?.files ?? null);
  };

  /** Runs a command with a progress bar and a cancel button. */
  const work = async (
    request: Omit<ToCommand, 'module'>,
    onOutput: (text: string) => void,
    alsoOnError: (text: string) => void = () => {},
  ) => {
    log.textContent = '';
    pack.disabled = compare.disabled = true;
    cancel.hidden = false;
    let lines = '';
    const onError = (text: string) => {
      lines += text;
      alsoOnError(text);
      // The packer draws a bar for a terminal: a line that begins with \r and holds "NN%".
      const percent = [...lines.matchAll(/(\d+)%/g)].at(-1)?.[1];
      progress.hidden = percent === undefined;
      if (percent !== undefined) progress.value = Number(percent);
      log.textContent = lines.replaceAll('\r\u001b[K', '').replace(/\r[^\n\r]*%/g, '');
    };
    try {
      run = new CommandRun({ module: await program, ...request }, onOutput, onError);
      return await run.done;
    } catch (error) {
      log.textContent = error instanceof Cancelled ? 'cancelled; nothing was written' : `${error}`;
      return undefined;
    } finally {
      run = undefined;
      pack.disabled = compare.disabled = false;
      cancel.hidden = true;
      progress.hidden = true;
    }
  };
  cancel.onclick = () => run?.cancel();

  const packWords = (profile: string): string[] => {
    const { checkpoint, tokenizer } = roles(chosen);
    return ['pack', checkpoint ?? '', '--profile', profile, ...(tokenizer ? ['-z', tokenizer] : [])];
  };
  const chosenFiles = (): Promise<NamedBytes[]> =>
    Promise.all(
      chosen.map(async (file) => ({
        path: `/${file.name}`,
        bytes: new Uint8Array(await file.arrayBuffer()),
      })),
    );

  pack.onclick = async () => {
    packed.hidden = true;
    flash.offer(undefined);
    element('story').textContent = '';
    element('story-uf2').removeAttribute('href'); // it is joined after the packing
    const words = [...packWords(element<HTMLSelectElement>('profile').value), '-o', 'model.uf2'];
    const outcome = await work({ words, files: await chosenFiles(), result: '/model.uf2' }, () => {});
    if (outcome?.code !== 0 || !outcome.result) return;
    model = outcome.result;
    offer('model-uf2', model);
    packed.hidden = false;
    flash.offer(model);
    try {
      offer('story-uf2', await joinFirmwareAndModel(program, await download('firmware.uf2'), model));
    } catch (error) {
      log.textContent += error instanceof Error ? error.message : `${error}`;
    }
  };

  compare.onclick = async () => showProfiles(packWords, await chosenFiles(), work);

  element('tell').onclick = async () => {
    if (!model) return;
    const story = element('story');
    story.textContent = '';
    const words = ['run', 'model.uf2', '-i', value('prompt'), '-t', value('temperature')];
    if (value('seed') !== '') words.push('-s', value('seed'));
    await work({ words, files: [{ path: '/model.uf2', bytes: model }] }, (text) => {
      story.textContent += text;
    });
  };
  element('boot-model').onclick = async () => {
    if (!model) return;
    const firmware = await download('firmware.uf2');
    board.boot(
      [
        { name: 'firmware.uf2', bytes: firmware },
        { name: 'model.uf2', bytes: model },
      ],
      '',
    );
    board.terminal.focus();
  };
}

function value(id: string): string {
  return element<HTMLInputElement>(id).value;
}

function offer(id: string, bytes: Uint8Array): void {
  const link = element<HTMLAnchorElement>(id);
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([bytes as BlobPart]));
}
