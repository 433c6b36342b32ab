// Where things are in a song: ticks of the file, seconds, and bars counted from 1.

export class Timeline {
  constructor(song) {
    this.bars = song.bars;
    this.count = song.bars.length - 1;
    this.end = Math.max(song.end, song.bars.at(-1));
    let seconds = 0;
    this.tempos = song.tempos.map(([tick, tempo], number) => {
      if (number) {
        const [before, slower] = song.tempos[number - 1];
        seconds += ((tick - before) * slower) / 1e6 / song.ticks_per_quarter;
      }
      return { tick, seconds, perTick: tempo / 1e6 / song.ticks_per_quarter };
    });
  }

  seconds(tick) {
    const tempo = this.tempos.findLast((one) => one.tick <= tick) ?? this.tempos[0];
    return tempo.seconds + (tick - tempo.tick) * tempo.perTick;
  }

  tick(seconds) {
    const tempo = this.tempos.findLast((one) => one.seconds <= seconds) ?? this.tempos[0];
    return tempo.tick + (seconds - tempo.seconds) / tempo.perTick;
  }

  bar(tick) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.bars[middle] <= tick) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  start(bar) {
    return this.bars[bar - 1];
  }
}
