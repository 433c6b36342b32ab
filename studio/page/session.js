// What the musician has done so far: the song, what is asked of it, the versions that came, and the history of all this.

import * as api from "/page/api.js";
import { Timeline } from "/page/timeline.js";

export const NOTHING = { attributes: {}, genre: null, faithfulness: 1, bars: null, locked: [], instruments: {} };
const FRESH = { label: "", song: null, second: null, asked: NOTHING, operation: "edit", takes: [], take: 0 };
const STEPS = 9; // of the way between two songs; keys 1 to 9 choose them

export class Session {
  model = null;
  // What a step of the history restores. A song may have been made of another by commands; takes are versions of it.
  now = FRESH;
  history = [];
  place = -1;
  #run = 0;
  #before = Promise.resolve(); // what the newest run waits for
  #files = new Map();
  #described = new Map();

  // `changed` is called after every change; `working` with a text, or null when nothing is worked on; `failed` with an error.
  constructor({ changed, working, failed }) {
    Object.assign(this, { changed, working, failed });
  }

  get song() {
    return this.now.song;
  }

  get second() {
    return this.now.second;
  }

  get take() {
    return this.now.takes[this.now.take] ?? null;
  }

  // The song whose notes the shown version has changed: on the way to a second song it may be that one.
  get base() {
    return this.second && this.take?.base === this.second.id ? this.second : this.song;
  }

  async loadModel() {
    this.model = await api.model();
    this.changed();
  }

  open(file) {
    return this.#work(`Opening ${file.name}…`, async () => {
      const song = { ...(await this.#read(file)), commands: [] };
      return { ...FRESH, label: `opened ${song.name}`, song };
    });
  }

  openSecond(file) {
    return this.#work(`Opening ${file.name}…`, async () => {
      const second = { ...(await this.#read(file)), commands: [] };
      return { label: `second song ${second.name}`, second };
    });
  }

  async #read(file) {
    const song = await api.open(file);
    this.#files.set(song.id, await file.arrayBuffer());
    return { ...song, timeline: new Timeline(song) };
  }

  // Changes what is asked for, before it is run.
  ask(changes) {
    this.now = { ...this.now, asked: { ...this.now.asked, ...changes } };
    this.changed();
  }

  get selection() {
    const { bars, locked, instruments } = this.now.asked;
    const { editable, timeline } = this.song;
    const whole = !editable || (editable[0] === 1 && editable[1] === timeline.count);
    return { bars: bars ?? (whole ? null : editable), keep: locked, instruments };
  }

  get #isAsked() {
    const { attributes, genre, instruments } = this.now.asked;
    return Boolean(Object.keys(attributes).length || genre || Object.keys(instruments).length);
  }

  edit(label) {
    const { attributes, genre, faithfulness } = this.now.asked;
    const request = { attributes, genres: genre ? { [genre[0]]: genre[1] } : {}, selection: this.selection, faithfulness };
    return this.#work("Changing the song…", async () => ({
      label,
      operation: "edit",
      takes: this.#isAsked ? [await api.edit(this.song.id, request)] : [],
      take: 0,
    }));
  }

  // Asks for one variation after another, so that the first can be heard while the others are made.
  vary(radius, count, seed) {
    const { faithfulness } = this.now.asked;
    const made = { operation: "vary", radius, count, seed, asked: this.#unmoved };
    const takes = [];
    return this.#work("Making variations…", async (show) => {
      for (let number = seed; number < seed + count; number++) {
        const request = { count: 1, radius, seed: number, selection: this.selection, faithfulness };
        const [take] = await api.vary(this.song.id, request);
        takes.push({ ...take, title: `seed ${number}` });
        show({ ...made, takes: [...takes], take: takes.length > 1 ? this.now.take : 0 });
      }
      return { label: `${count} variation${count > 1 ? "s" : ""}, radius ${radius}` };
    });
  }

  interpolate() {
    const { bars, locked } = this.now.asked;
    return this.#work(`Going from ${this.song.name} to ${this.second.name}…`, async () => {
      const steps = await api.interpolate(this.song.id, this.second.id, { steps: STEPS, selection: { bars, keep: locked } });
      const takes = steps.map((step) => ({ ...step, title: `${Math.round(100 * step.reply.place)}%` }));
      const label = `on the way to ${this.second.name}`;
      return { label, operation: "interpolate", asked: this.#unmoved, takes, take: (STEPS - 1) / 2 };
    });
  }

  // What is asked for without attributes and genre, which variations and ways between songs do not have.
  get #unmoved() {
    return { ...this.now.asked, attributes: {}, genre: null };
  }

  // Does the last operation again, after the choice of bars or tracks has changed.
  again(label) {
    const { operation, radius, count, seed } = this.now;
    if (operation === "vary") return this.vary(radius, count, seed);
    return operation === "edit" ? this.edit(label) : this.interpolate();
  }

  choose(take) {
    if (!this.now.takes[take]) return;
    this.now = { ...this.now, take };
    if (this.place >= 0) this.history[this.place] = this.now;
    this.changed();
  }

  // Makes the shown version the song that is changed from now on.
  keep() {
    const { id, name, command } = this.take;
    const commands = [...this.base.commands, command];
    return this.#work("Going on from here…", async () => {
      const song = { ...(await this.#read(new File([await this.file(id)], name))), commands };
      const { faithfulness, bars, locked } = this.now.asked;
      const asked = { ...NOTHING, faithfulness, bars, locked };
      return { ...FRESH, label: `went on from ${name}`, song, second: this.second, asked };
    });
  }

  step(by) {
    this.goTo(this.place + by);
  }

  goTo(place) {
    if (!this.history[place]) return;
    this.#run++;
    this.working(null);
    this.place = place;
    this.now = this.history[place];
    this.changed();
  }

  // Returns the bytes of a song or a version.
  async file(id) {
    if (!this.#files.has(id)) this.#files.set(id, await api.midi(id));
    return this.#files.get(id);
  }

  // Returns what the song is to the model; asked once.
  async description(song, selection) {
    const key = `${song.id} ${JSON.stringify(selection)}`;
    if (!this.#described.has(key)) this.#described.set(key, await api.describe(song.id, selection));
    return this.#described.get(key);
  }

  #commit(changes) {
    this.now = { ...this.now, ...changes };
    this.history = [...this.history.slice(0, this.place + 1), this.now];
    this.place = this.history.length - 1;
    this.changed();
  }

  // Runs what takes time, one thing after another, of which the newest wins. What it returns becomes a
  // step of the history, unless something newer was begun meanwhile; if it fails, what was asked for is taken back.
  async #work(text, task) {
    const run = ++this.#run;
    const newest = () => run === this.#run;
    const show = (changes) => {
      if (!newest()) throw new Error("superseded");
      this.now = { ...this.now, ...changes };
      this.changed();
    };
    const before = this.#before;
    let finish;
    this.#before = new Promise((resolve) => (finish = resolve));
    this.working(text);
    try {
      await before;
      if (!newest()) return;
      const changes = await task(show);
      if (!newest()) return;
      this.#commit(changes);
      this.working(null);
    } catch (error) {
      if (!newest()) return;
      this.working(null);
      if (this.place >= 0) this.now = this.history[this.place];
      this.changed();
      this.failed(error);
    } finally {
      finish();
    }
  }
}
