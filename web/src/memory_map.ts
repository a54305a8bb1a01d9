// The board's memories beside its picture: where each is, and how busy the bus to it was since the last status.
import type { BoardStatus } from './board_worker.js';
import { element } from './dom.js';

export class MemoryMap {
  private last: BoardStatus | undefined;

  clear(): void {
    this.last = undefined;
    element('map-sram').textContent = '…';
  }
  /** The banner says how much SRAM the firmware leaves for a model. */
  read(text: string): void {
    const found = text.match(/^SRAM +([\d,]+ B for the model)/m);
    if (found) element('map-sram').textContent = found[1] ?? '';
  }
  add(status: BoardStatus): void {
    const before = this.last;
    this.last = status;
    if (!before || status.cycles <= before.cycles) return;
    const cycles = status.cycles - before.cycles;
    const seconds = status.seconds - before.seconds;
    for (const chip of ['flash', 'psram'] as const) {
      const now = status.stats.qspi[chip];
      const then = before.stats.qspi[chip];
      const bytes = now.bytes_read + now.bytes_written - then.bytes_read - then.bytes_written;
      const busy = (now.busy_cycles - then.busy_cycles) / cycles;
      element<HTMLMeterElement>(`map-${chip}-busy`).value = Math.min(busy, 1);
      element(`map-${chip}`).textContent = `${(bytes / seconds / 1e6).toFixed(1)} MB/s`;
    }
    const hits = status.stats.xip_cache.hits - before.stats.xip_cache.hits;
    const misses = status.stats.xip_cache.misses - before.stats.xip_cache.misses;
    const rate = hits + misses > 0 ? hits / (hits + misses) : 0;
    element<HTMLMeterElement>('map-cache-busy').value = rate;
    element('map-cache').textContent = hits + misses > 0 ? `${(100 * rate).toFixed(1)} % hits` : 'not used';
  }
}
