// Where the cycles of core 0 go, over the board's time.
import uPlot from 'uplot';
import type { BoardStatus } from './board_worker.js';

const LINES: { label: string; color: string; of: (s: BoardStatus) => number }[] = [
  { label: 'instructions', color: '#2f9e63', of: (s) => s.stats.cores[0]?.instructions ?? 0 },
  { label: 'asleep', color: '#8b93a1', of: (s) => s.stats.cores[0]?.sleep_cycles ?? 0 },
  { label: 'waits for data', color: '#c2553d', of: (s) => s.stats.cores[0]?.stall_cycles.data ?? 0 },
  { label: 'waits for code', color: '#b88a1f', of: (s) => s.stats.cores[0]?.stall_cycles.fetch ?? 0 },
  { label: 'waits for results', color: '#4a7fc1', of: (s) => stalls(s, 'result') + stalls(s, 'fpu') },
  { label: 'branches', color: '#9558b2', of: (s) => stalls(s, 'branch') },
];
const MOST_POINTS = 600;

function stalls(status: BoardStatus, kind: string): number {
  return status.stats.cores[0]?.stall_cycles[kind] ?? 0;
}

export class CyclePlot {
  private last: { cycles: number; values: number[] } | undefined;
  private data: number[][] = [[], ...LINES.map(() => [])];
  private readonly plot: uPlot;

  constructor(private readonly place: HTMLElement) {
    const options: uPlot.Options = {
      title: 'Cycles of core 0, in percent',
      width: place.clientWidth || 600,
      height: 200,
      scales: { x: { time: false }, y: { range: [0, 100] } },
      axes: [
        { stroke: '#888', grid: { stroke: '#8883' } },
        { stroke: '#888', grid: { stroke: '#8883' } },
      ],
      series: [
        { label: "board's s" },
        ...LINES.map(({ label, color }) => ({ label, stroke: color, width: 1.5, points: { show: false } })),
      ],
    };
    this.plot = new uPlot(options, this.data as uPlot.AlignedData, place);
    new ResizeObserver(() => this.plot.setSize({ width: place.clientWidth, height: 200 })).observe(place);
  }

  clear(): void {
    this.last = undefined;
    this.data = [[], ...LINES.map(() => [])];
    this.plot.setData(this.data as uPlot.AlignedData);
  }

  add(status: BoardStatus): void {
    const now = { cycles: status.stats.cores[0]?.cycles ?? 0, values: LINES.map((line) => line.of(status)) };
    const before = this.last;
    this.last = now;
    if (!before || now.cycles <= before.cycles) return;
    const percent = 100 / (now.cycles - before.cycles);
    this.data[0]?.push(status.seconds);
    now.values.forEach((value, i) => {
      this.data[i + 1]?.push((value - (before.values[i] ?? 0)) * percent);
    });
    if ((this.data[0]?.length ?? 0) > MOST_POINTS) for (const line of this.data) line.shift();
    if (this.place.isConnected) this.plot.setData(this.data as uPlot.AlignedData);
  }
}
