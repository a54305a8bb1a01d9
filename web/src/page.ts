import { startBoard } from './board_view.js';
import { startFlashForm } from './flash_form.js';
import { startModelForm } from './model_form.js';
import { startRealBoard } from './real_board.js';
import { startStoryForm } from './story_form.js';

/** The program is compiled once and handed to the workers. */
const program = WebAssembly.compileStreaming(fetch('pico-llama.wasm'));

const board = startBoard(program);
startStoryForm(board);
startModelForm(program, board, startFlashForm(program));
startRealBoard(board);

if ('serviceWorker' in navigator) await navigator.serviceWorker.register('service_worker.js');
