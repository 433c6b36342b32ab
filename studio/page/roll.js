// The piano roll: a lane for each of the four roles, drawn before or after a change, with bars that can be chosen.

export const ROLES = ["drums", "bass", "guitar", "strings"];
const [STAYS, BEFORE, AFTER] = [0, 1, 2]; // what a note is, as studio/drawing.py says
const COLOURS = [...ROLES, "sheet", "line", "faint", "ink", "quiet", "accent"];
const BARS_SEEN = 16; // at first
const CLICK = 5; // pixels that a pointer may move in a click
const THICKEST = 12; // pixels of a note
const SMALLEST_RANGE = 14; // semitones in a lane, at least

export class Roll {
  #timeline = null;
  #roles = {};
  #ranges = {};
  #side = 0;
  #bars = null; // [first, last], or null for all
  #locked = new Set();
  #changed = false;
  #perTick = 1;
  #colours = {};
  #seconds = 0;

  // onSeek takes seconds; onBars takes [first, last], and whether the choice is final.
  constructor({ onSeek, onBars }) {
    for (const name of ["canvas", "scroll", "wide", "ruler", "playhead"]) this[name] = document.getElementById(name);
    this.onSeek = onSeek;
    this.onBars = onBars;
    new ResizeObserver(() => this.draw()).observe(this.scroll);
    this.scroll.addEventListener("scroll", () => this.draw(), { passive: true });
    this.scroll.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#recolour());
    for (const element of [this.canvas, this.ruler]) element.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#recolour();
  }

  open(timeline) {
    this.#timeline = timeline;
    this.#bars = null;
    const seen = this.#timeline.bars[Math.min(BARS_SEEN, this.#timeline.count)] - this.#timeline.bars[0];
    this.#perTick = Math.max(this.scroll.clientWidth / seen, this.#least());
    this.ruler.setAttribute("aria-valuemax", timeline.count);
    this.scroll.scrollLeft = 0;
  }

  // Shows the notes of the roles; side is 0 before and 1 after the change.
  show(roles, side) {
    this.#roles = roles;
    this.#side = side;
    this.#changed = ROLES.some((role) => roles[role].notes.some((note) => note[3] !== STAYS));
    for (const role of ROLES) this.#ranges[role] = lane(role, roles[role].notes);
    this.draw();
  }

  choose(bars, locked) {
    this.#bars = bars;
    this.#locked = locked;
    this.draw();
  }

  #least() {
    return this.scroll.clientWidth / this.#timeline.end;
  }

  zoom(factor, at = this.scroll.clientWidth / 2) {
    const tick = (this.scroll.scrollLeft + at) / this.#perTick;
    this.#perTick = Math.max(Math.min(this.#perTick * factor, 2400 / this.#timeline.bars[1] || 1), this.#least());
    this.#layOut();
    this.scroll.scrollLeft = tick * this.#perTick - at;
    this.move(this.#seconds);
    this.draw();
  }

  // Puts the playhead at a position; `follow` scrolls to where it is.
  move(seconds, follow = false) {
    if (!this.#timeline) return;
    this.#seconds = seconds;
    const tick = this.#timeline.tick(seconds);
    const x = tick * this.#perTick;
    this.playhead.style.transform = `translateX(${x}px)`;
    const outside = x < this.scroll.scrollLeft || x > this.scroll.scrollLeft + this.scroll.clientWidth - 24;
    if (follow && outside) this.scroll.scrollLeft = x - 24;
    const bar = this.#timeline.bar(tick);
    if (this.ruler.getAttribute("aria-valuenow") !== String(bar)) {
      this.ruler.setAttribute("aria-valuenow", bar);
      this.ruler.setAttribute("aria-valuetext", `bar ${bar} of ${this.#timeline.count}`);
    }
  }

  #layOut() {
    this.wide.style.width = `${Math.max(this.#timeline.end * this.#perTick, this.scroll.clientWidth)}px`;
  }

  #wheel(event) {
    if (!(event.ctrlKey || event.metaKey) || !this.#timeline) return;
    event.preventDefault();
    this.zoom(Math.exp(-event.deltaY / 300), event.clientX - this.scroll.getBoundingClientRect().left);
  }

  #tickAt(event) {
    return (event.clientX - this.scroll.getBoundingClientRect().left + this.scroll.scrollLeft) / this.#perTick;
  }

  // A click puts the playhead there; a drag chooses bars.
  #drag(event) {
    if (!this.#timeline || event.button) return;
    const target = event.currentTarget;
    const from = { x: event.clientX, bar: this.#timeline.bar(this.#tickAt(event)), tick: this.#tickAt(event) };
    let dragged = false;
    target.setPointerCapture(event.pointerId);
    const choice = (moved) => {
      const bar = this.#timeline.bar(Math.max(this.#tickAt(moved), 0));
      return [Math.min(from.bar, bar), Math.max(from.bar, bar)];
    };
    const move = (moved) => {
      dragged ||= Math.abs(moved.clientX - from.x) > CLICK;
      if (dragged) this.onBars(choice(moved), false);
    };
    const stop = (moved) => {
      target.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) target.removeEventListener(name, stop);
      if (moved.type === "pointercancel") return;
      if (dragged) this.onBars(choice(moved), true);
      else this.onSeek(this.#timeline.seconds(Math.min(from.tick, this.#timeline.end)));
    };
    target.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) target.addEventListener(name, stop);
  }

  // Colours of the style sheet, which depend on whether the page is light or dark.
  #recolour() {
    for (const name of COLOURS) {
      this.playhead.style.color = `var(--${name})`;
      this.#colours[name] = getComputedStyle(this.playhead).color;
    }
    this.playhead.style.color = "";
    this.draw();
  }

  draw() {
    if (!this.#timeline || !this.scroll.clientWidth) return;
    this.#perTick = Math.max(this.#perTick, this.#least());
    this.#layOut();
    const [width, height] = [this.scroll.clientWidth, this.wide.clientHeight];
    const ratio = window.devicePixelRatio;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.width = `${width}px`;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const ruler = this.ruler.clientHeight;
    const size = (height - ruler) / ROLES.length;
    const view = { pen, width, height, ruler, left: this.scroll.scrollLeft, size };
    ROLES.forEach((role, number) => this.#drawGround(view, role, ruler + number * size));
    this.#drawBars(view);
    ROLES.forEach((role, number) => this.#drawNotes(view, role, ruler + number * size));
    this.#drawChoice(view);
  }

  #drawGround({ pen, width, size }, role, top) {
    const range = this.#ranges[role];
    pen.fillStyle = this.#colours.faint;
    pen.globalAlpha = 0.55;
    if (range && role !== "drums") {
      for (let pitch = range.low; pitch <= range.high; pitch++) {
        if ([1, 3, 6, 8, 10].includes(pitch % 12)) pen.fillRect(0, range.y(pitch, top, size), width, range.thick(size));
      }
    }
    pen.globalAlpha = 1;
    pen.fillStyle = this.#colours.line;
    pen.fillRect(0, top, width, 1);
  }

  #drawBars({ pen, width, height, ruler, left }) {
    const { bars, count } = this.#timeline;
    const usual = (bars[count] - bars[0]) / count || 1;
    const every = [1, 2, 4, 8, 16, 32, 64, 128, 256].find((step) => step * usual * this.#perTick >= 34) ?? 512;
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (let bar = 1; bar <= count; bar++) {
      const x = bars[bar - 1] * this.#perTick - left;
      const next = bars[bar] * this.#perTick - left;
      if (next < 0 || x > width) continue;
      const named = (bar - 1) % every === 0;
      pen.fillStyle = this.#colours.line;
      if (named || next - x > 10) pen.fillRect(Math.round(x), named ? 8 : ruler, 1, height);
      if (next - x > 90) {
        pen.fillStyle = this.#colours.faint;
        for (let beat = 1; beat < 4; beat++) pen.fillRect(Math.round(x + ((next - x) * beat) / 4), ruler, 1, height);
      }
      pen.fillStyle = this.#inside(bar) ? this.#colours.ink : this.#colours.quiet;
      if (named) pen.fillText(bar, x + 5, ruler / 2 + 1);
    }
  }

  #inside(bar) {
    return !this.#bars || (bar >= this.#bars[0] && bar <= this.#bars[1]);
  }

  #drawNotes({ pen, width, left, size }, role, top) {
    const range = this.#ranges[role];
    if (!range) return;
    const thick = range.thick(size);
    pen.lineWidth = 1.2;
    pen.strokeStyle = pen.fillStyle = this.#colours[role];
    for (const kind of [STAYS, BEFORE, AFTER]) {
      const ghost = kind !== STAYS && (kind === AFTER) !== (this.#side === 1);
      pen.globalAlpha = kind === STAYS ? (this.#changed ? 0.38 : 0.85) : ghost ? 0.55 : 1;
      for (const [start, end, pitch, what] of this.#roles[role].notes) {
        if (what !== kind) continue;
        const x = start * this.#perTick - left;
        const length = Math.max((end - start) * this.#perTick - 0.8, role === "drums" ? Math.min(thick, 5) : 2);
        if (x > width || x + length < 0) continue;
        const y = range.y(pitch, top, size);
        if (ghost) pen.strokeRect(x + 0.5, y + 0.5, Math.max(length - 1, 1), Math.max(thick - 2, 1));
        else pen.fillRect(x, y, length, Math.max(thick - 0.7, 1.5));
      }
    }
    pen.globalAlpha = 1;
  }

  // Dims what may not change: bars outside of the choice, and roles that are kept.
  #drawChoice({ pen, width, height, ruler, left, size }) {
    const [first, last] = this.#bars ?? [1, this.#timeline.count];
    const from = this.#timeline.bars[first - 1] * this.#perTick - left;
    const to = this.#timeline.bars[last] * this.#perTick - left;
    pen.fillStyle = this.#colours.sheet;
    pen.globalAlpha = 0.5;
    if (this.#bars) {
      if (from > 0) pen.fillRect(0, ruler, Math.min(from, width), height);
      if (to < width) pen.fillRect(Math.max(to, 0), ruler, width, height);
    }
    ROLES.forEach((role, number) => {
      if (this.#locked.has(role)) pen.fillRect(Math.max(from, 0), ruler + number * size + 1, Math.min(to, width) - Math.max(from, 0), size - 1);
    });
    pen.globalAlpha = 1;
    if (!this.#bars) return;
    pen.fillStyle = this.#colours.accent;
    pen.fillRect(from, 0, to - from, 4);
    for (const x of [from, to]) pen.fillRect(Math.round(x) - 1, 0, 2, height);
  }
}

// Returns how pitches lie in a lane, from the highest down: of drums, each that occurs has a row of its own.
function lane(role, notes) {
  if (!notes.length) return null;
  const pitches = [...new Set(notes.map((note) => note[2]))].sort((a, b) => a - b);
  let [low, high] = [pitches[0], pitches.at(-1)];
  const rows = new Map(role === "drums" ? pitches.map((pitch, row) => [pitch, row]) : []);
  if (role === "drums") [low, high] = [0, pitches.length - 1];
  else {
    const more = Math.max(SMALLEST_RANGE - (high - low), 2);
    low = Math.max(low - Math.floor(more / 2), 0);
    high += Math.ceil(more / 2);
  }
  const count = high - low + 1;
  const thick = (size) => Math.min((size - 8) / count, THICKEST);
  const y = (pitch, top, size) => top + (size - count * thick(size)) / 2 + (high - (rows.get(pitch) ?? pitch)) * thick(size);
  return { low, high, y, thick };
}
