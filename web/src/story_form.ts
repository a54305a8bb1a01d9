// "A story of your own": a form that has the board at the console, virtual or real, tell one through /json.
import type { BoardView } from './board_view.js';
import { element } from './dom.js';
import { JsonSession } from './json_session.js';

const value = (id: string) => element<HTMLInputElement>(id).value.trim();

export function startStoryForm(board: BoardView): void {
  const form = element<HTMLFormElement>('story-form');
  const tell = element<HTMLButtonElement>('story-tell');
  const stop = element<HTMLButtonElement>('story-stop');
  const story = element('board-story');
  const line = element('story-line');
  let session: JsonSession | undefined;

  const run = async (said: JsonSession) => {
    await said.open();
    try {
      if (value('story-temperature') !== '') await said.set('temp', value('story-temperature'));
      if (value('story-seed') !== '') await said.set('seed', value('story-seed'));
      const end = await said.tell(element<HTMLInputElement>('story-prompt').value, (text, generated) => {
        story.textContent += text;
        if (generated) board.countToken();
      });
      if (!end) return;
      const speed = `${end.tokens} tokens, ${end.tokens_per_second.toFixed(1)} tok/s`;
      line.textContent = `${speed}; seed ${end.seed}${end.stop === 'cancelled' ? '; stopped' : ''}`;
      board.storyEnded(end.tokens, end.tokens_per_second);
    } catch (error) {
      line.textContent = error instanceof Error ? error.message : `${error}`;
    }
    await said.close();
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    const said = new JsonSession((bytes) => console?.type(bytes));
    const console = board.claim({
      hear: (bytes) => said.hear(bytes),
      interrupt: () => said.stop(),
      end: (reason) => said.end(reason),
    });
    if (!console) {
      line.textContent = 'The board is busy with the comparison; wait for its table.';
      return;
    }
    session = said;
    story.textContent = line.textContent = '';
    tell.disabled = true;
    stop.disabled = false;
    try {
      await run(said);
    } catch (error) {
      line.textContent = `No story: ${error instanceof Error ? error.message : error}.`;
    } finally {
      session = undefined;
      tell.disabled = false;
      stop.disabled = true;
      board.release();
    }
  };
  stop.onclick = () => session?.stop();
}
