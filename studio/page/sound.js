// Plays two versions of a song at one position, with the sound font that the server gives.

import { Sequencer, WorkletSynthesizer } from "/page/vendor/spessasynth.js";
import * as api from "/page/api.js";

const SETTLES = 0.3; // seconds until a sequencer tells its position after a jump

export class Sound {
  #font = null; // a promise of the sound font's bytes
  #ready = null; // a promise of the synthesiser
  #synth = null;
  #players = []; // a sequencer for each version
  #files = [null, null];
  #side = 0;
  #at = 0; // the position in seconds where playing stopped or jumped to
  #jumped = 0; // when it jumped there, in seconds
  #muted = new Set();
  playing = false;

  // Fetches the sound font ahead of the first note.
  prepare() {
    this.#font ??= api.soundFont();
    this.#font.catch(() => (this.#font = null));
  }

  async #start() {
    this.prepare();
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.audioWorklet.addModule("/page/vendor/spessasynth_processor.js");
    this.#synth = new WorkletSynthesizer(context);
    this.analyser = context.createAnalyser();
    this.#synth.connect(this.analyser);
    this.analyser.connect(context.destination);
    await this.#synth.soundBankManager.addSoundBank(await this.#font, "font");
    await this.#synth.isReady;
    this.#players = [0, 1].map(() => new Sequencer(this.#synth, { skipToFirstNoteOn: false, initialPlaybackRate: 1 }));
    for (const player of this.#players) player.loopCount = 0;
    this.#files.forEach((file, side) => this.#load(side, file));
    this.#applyMuted();
  }

  #load(side, file) {
    if (file && this.#players.length) this.#players[side].loadNewSongList([{ binary: file.slice(0), fileName: "song.mid" }]);
  }

  // Sets the file of a side, 0 before and 1 after; what plays goes on at the same position.
  set(side, file) {
    if (this.#files[side] === file) return;
    const goOn = this.playing && this.#side === side;
    const at = this.seconds;
    this.#files[side] = file;
    this.#load(side, file);
    if (goOn) this.#play(at);
  }

  get seconds() {
    if (!this.playing) return this.#at;
    const since = performance.now() / 1000 - this.#jumped;
    return since < SETTLES ? this.#at + since : this.#players[this.#side].currentHighResolutionTime;
  }

  get ended() {
    return this.playing && this.#players[this.#side].isFinished;
  }

  async play() {
    this.#ready ??= this.#start().catch((error) => {
      this.#ready = null;
      throw error;
    });
    await this.#ready;
    await this.#synth.context.resume();
    this.#play(this.#at);
  }

  #play(at) {
    const player = this.#players[this.#side];
    player.currentTime = at;
    player.play();
    this.playing = true;
    this.#jump(at);
  }

  #jump(at) {
    this.#at = at;
    this.#jumped = performance.now() / 1000;
  }

  pause() {
    if (!this.playing) return;
    this.#at = Math.max(this.seconds, 0);
    this.#players[this.#side].pause();
    this.#synth.stopAll(true);
    this.playing = false;
  }

  seek(seconds) {
    this.#jump(seconds);
    if (this.playing) this.#players[this.#side].currentTime = seconds;
  }

  // Hears a side, 0 before or 1 after, at the same position.
  hear(side) {
    if (side === this.#side) return;
    const goOn = this.playing;
    this.pause();
    this.#side = side;
    if (goOn) this.#play(this.#at);
  }

  mute(channels) {
    this.#muted = new Set(channels);
    this.#applyMuted();
  }

  #applyMuted() {
    this.#synth?.midiChannels.forEach((channel, number) => channel.setSystemParameter("isMuted", this.#muted.has(number)));
  }

  // The loudness of what sounds now: the root mean square of samples, of which 1 is full scale.
  get level() {
    if (!this.analyser) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }
}
