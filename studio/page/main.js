// Joins the parts of the page: what is done on it goes to the session, and what the session holds is shown.

import * as api from "/page/api.js";
import { $, button, element } from "/page/dom.js";
import { Heads } from "/page/heads.js";
import { Moves } from "/page/moves.js";
import { Roll } from "/page/roll.js";
import { NOTHING, Session } from "/page/session.js";
import { Sound } from "/page/sound.js";

const LONG = 1000; // milliseconds from which the time that something takes is shown
const SEEN = 8_000; // milliseconds that a message is seen, and an error
const SEEN_WRONG = 20_000;

const sound = new Sound();
const session = new Session({ changed: show, working, failed: complain });
const roll = new Roll({ onSeek: seek, onBars: chooseBars });
const heads = new Heads(session, sound);
const moves = new Moves(session);
let side = 0; // what is heard and seen: 0 before, 1 after
let looping = false;
let shownTake = null;
let shownBase = null;

/* Messages */

let clock = 0; // counts the seconds that something takes
let fading = 0; // takes a message away

function say(text, wrong = false) {
  clearTimeout(fading);
  if (text) fading = setTimeout(() => say(""), wrong ? SEEN_WRONG : SEEN);
  $("message").textContent = text;
  $("message").classList.toggle("wrong", wrong);
}

function working(text) {
  clearInterval(clock);
  document.body.dataset.busy = Boolean(text);
  if (!text) return say("");
  const begun = performance.now();
  say(text);
  clock = setInterval(() => {
    const seconds = Math.round((performance.now() - begun) / 1000);
    if (performance.now() - begun > LONG) say(`${text} ${seconds} s${session.model ? "" : ", with the model still loading"}`);
  }, 500);
}

function complain(error) {
  say(error.message, true);
}

/* Showing the session */

function show() {
  const { song, now, take, base } = session;
  $("welcome").hidden = Boolean(song);
  $("work").hidden = !song;
  if (!song) return;
  $("song-name").textContent = song.name;
  document.title = `${song.name} – MusAE studio`;
  if (base !== shownBase) {
    shownBase = base;
    roll.open(base.timeline);
    for (const id of ["first", "last"]) $(id).max = base.timeline.count;
  }
  if (take !== shownTake) {
    shownTake = take;
    side = take ? 1 : 0;
  }
  showSound(base, take);
  roll.choose(now.asked.bars, new Set(now.asked.locked));
  roll.show((take ?? song).roles, side);
  heads.show();
  heads.mute();
  moves.show();
  showTransport();
  showOthers();
  showOutcome();
  showTakes();
  showHistory();
  showDescription();
}

async function showSound(base, take) {
  sound.prepare();
  const files = await Promise.all([session.file(base.id), session.file((take ?? base).id)]).catch(complain);
  if (!files || session.take !== take) return;
  sound.set(0, files[0]);
  sound.set(1, files[1]);
  sound.hear(side);
}

function showTransport() {
  const { asked } = session.now;
  $("play").textContent = sound.playing ? "Stop" : "Play";
  $("hear-a").setAttribute("aria-pressed", side === 0);
  $("hear-b").setAttribute("aria-pressed", side === 1);
  $("hear-b").disabled = !session.take;
  $("loop").setAttribute("aria-pressed", looping);
  $("undo").disabled = session.place < 1;
  $("redo").disabled = session.place >= session.history.length - 1;
  const [first, last] = asked.bars ?? [1, session.base.timeline.count];
  if (document.activeElement !== $("first")) $("first").value = first;
  if (document.activeElement !== $("last")) $("last").value = last;
  $("all-bars").disabled = !asked.bars;
  $("legend").textContent = session.take
    ? `Strong: changed. Outlined: ${side ? "as it was" : "as it becomes"}. Pale: stays. Drag to choose bars, click to move the playhead.`
    : "Drag to choose bars, click to move the playhead. Move a slider, or drag the song on the circle.";
  showPlace();
}

function showPlace() {
  const { timeline } = session.base;
  const seconds = Math.min(Math.max(sound.seconds, 0), timeline.seconds(timeline.end));
  roll.move(seconds, sound.playing);
  const minutes = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  $("where").textContent = `bar ${timeline.bar(timeline.tick(seconds))} · ${minutes}`;
}

/* What came out */

function showOutcome() {
  const { take, base } = session;
  $("lines").replaceChildren(
    ...(take?.lines ?? ["Nothing yet: the song is as it was."]).map((line) => {
      const item = element("li", line.trim());
      item.classList.toggle("detail", line.startsWith("  "));
      return item;
    }),
  );
  $("keep").disabled = !take;
  $("command-row").hidden = !take;
  if (take) $("command").textContent = [...base.commands, take.command].join("\n");
}

function showOthers() {
  const { radius } = session.now;
  if (radius) $("radius").value = radius;
  $("radius-value").textContent = Number($("radius").value);
  $("interpolate").disabled = !session.second;
  if (session.second) $("second-name").textContent = `The second song is ${session.second.name}.`;
}

function showTakes() {
  const { takes, take, operation } = session.now;
  $("takes").hidden = operation === "edit";
  $("takes-title").textContent = operation === "vary" ? "Variations" : "On the way";
  $("take-list").replaceChildren(
    ...takes.map((one, number) => {
      const made = button("", `Version ${number + 1}: ${one.title}`, () => session.choose(number));
      made.setAttribute("aria-pressed", number === take);
      made.append(element("kbd", number + 1), element("span", one.title), element("small", summary(one)));
      return made;
    }),
  );
}

function summary({ reply, name }) {
  if (reply.change) return `${Math.round(100 * reply.change.note_f1)}% as before`;
  return reply.file ?? name;
}

function showHistory() {
  $("history").replaceChildren(
    ...session.history.map((one, place) => {
      const item = element("li");
      const made = button(one.label, `Back to: ${one.label}`, () => session.goTo(place));
      made.setAttribute("aria-pressed", place === session.place);
      item.append(made);
      return item;
    }),
  );
}

// Asks what the song is to the model, unless something is still being chosen, and shows it.
async function showDescription() {
  const { song, now } = session;
  if (!session.model || now !== session.history[session.place]) return;
  const description = await session.description(song, { ...session.selection, keep: [] }).catch(() => null);
  if (!description || session.now !== now) return;
  moves.tell(song, description);
  $("description").replaceChildren(...description.lines.map((line) => element("li", line.trim())));
}

/* Playing */

async function play() {
  if (sound.playing) sound.pause();
  else {
    const { timeline } = session.base;
    const [first, last] = session.now.asked.bars ?? [1, timeline.count];
    const [from, to] = [timeline.seconds(timeline.start(first)), timeline.seconds(timeline.bars[last])];
    if (looping && (sound.seconds < from || sound.seconds >= to)) seek(from);
    else if (sound.seconds >= timeline.seconds(timeline.end) - 0.05) seek(0);
    working("Preparing the sound…");
    try {
      await sound.play();
      working(null);
      requestAnimationFrame(follow);
    } catch (error) {
      working(null);
      complain(new Error(`No sound: ${error.message}`));
    }
  }
  showTransport();
}

function follow() {
  if (!sound.playing) return;
  const { timeline } = session.base;
  const [first, last] = session.now.asked.bars ?? [1, timeline.count];
  const [from, to] = [timeline.seconds(timeline.start(first)), timeline.seconds(timeline.bars[last])];
  if (sound.ended || sound.seconds >= (looping ? to : timeline.seconds(timeline.end) + 1)) {
    if (looping) {
      sound.pause();
      sound.seek(from);
      sound.play();
    } else {
      sound.pause();
      sound.seek(0);
      showTransport();
    }
  }
  showPlace();
  requestAnimationFrame(follow);
}

function seek(seconds) {
  sound.seek(Math.max(seconds, 0));
  showPlace();
}

function hear(which) {
  if (which && !session.take) return;
  side = which;
  sound.hear(side);
  roll.show((session.take ?? session.song).roles, side);
  showTransport();
}

function moveBars(by) {
  const { timeline } = session.base;
  const bar = timeline.bar(timeline.tick(sound.seconds) + 1);
  seek(timeline.seconds(timeline.start(Math.min(Math.max(bar + by, 1), timeline.count))));
}

/* Bars */

function chooseBars(bars, final) {
  const { count } = session.base.timeline;
  const clipped = bars && [Math.max(bars[0], 1), Math.min(bars[1], count)];
  const whole = !clipped || (clipped[0] === 1 && clipped[1] === count);
  session.ask({ bars: whole ? null : clipped });
  if (final) session.again(whole ? "all bars" : `bars ${clipped.join("–")}`);
}

function typeBars() {
  const [first, last] = ["first", "last"].map((id) => Math.round(Number($(id).value)) || 1);
  chooseBars([Math.min(first, last), Math.max(first, last)], true);
}

function barAtPlayhead(end) {
  const { timeline } = session.base;
  const bar = timeline.bar(timeline.tick(sound.seconds) + 1);
  const [first, last] = session.now.asked.bars ?? [1, timeline.count];
  chooseBars(end ? [Math.min(first, bar), bar] : [bar, Math.max(bar, last)], true);
}

function extendBars(by) {
  const { timeline } = session.base;
  const bar = timeline.bar(timeline.tick(sound.seconds) + 1);
  const [first, last] = session.now.asked.bars ?? [bar, bar - Math.sign(by)];
  chooseBars([first, Math.max(first, last + by)], true);
}

/* Files */

async function open(file, second = false) {
  if (!file) return;
  sound.pause();
  sound.seek(0);
  await (second ? session.openSecond(file) : session.open(file));
  if (second && session.second) say(`${session.second.name} is the second song. To change it instead, open it with “Open a song”.`);
  else if (session.song?.in_the_way) say(`${session.song.name}: ${session.song.in_the_way}`);
}

function save(bytes, name, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function saveAs(kind) {
  const { id, name } = session.take ?? session.song;
  try {
    if (kind === "midi") return save(await session.file(id), name, "audio/midi");
    working("Making the sound…");
    const bytes = await api.wav(id);
    working(null);
    save(bytes, name.replace(/\.mid$/, ".wav"), "audio/wav");
  } catch (error) {
    working(null);
    complain(error);
  }
}

async function copyCommand() {
  try {
    await navigator.clipboard.writeText($("command").textContent);
    say("The command is on the clipboard.");
  } catch {
    getSelection().selectAllChildren($("command"));
    say("The command is selected: copy it with ctrl C.");
  }
}

/* Events */

const nextSeed = () => (session.now.operation === "vary" ? session.now.seed + session.now.count : 0);
const count = () => Math.min(Math.max(Math.round(Number($("count").value)) || 1, 1), 9);
const clicks = {
  open: () => $("file").click(),
  "open-here": () => $("file").click(),
  "open-second": () => $("second-file").click(),
  play,
  "hear-a": () => hear(0),
  "hear-b": () => hear(1),
  loop: toggleLoop,
  "all-bars": () => chooseBars(null, true),
  "zoom-in": () => roll.zoom(1.5),
  "zoom-out": () => roll.zoom(1 / 1.5),
  undo: () => session.step(-1),
  redo: () => session.step(1),
  keep: () => session.keep(),
  "save-midi": () => saveAs("midi"),
  "save-wav": () => saveAs("wav"),
  copy: copyCommand,
  reset: () => {
    session.ask({ attributes: {}, genre: null, faithfulness: NOTHING.faithfulness });
    session.edit("reset");
  },
  vary: () => session.vary(Number($("radius").value), count(), 0),
  more: () => session.vary(Number($("radius").value), count(), nextSeed()),
  interpolate: () => session.interpolate(),
};
for (const [id, press] of Object.entries(clicks)) {
  $(id).addEventListener("click", (event) => {
    if (event.detail) $(id).blur(); // after a mouse click the space bar plays, and does not press again
    press();
  });
}

function toggleLoop() {
  looping = !looping;
  showTransport();
}

for (const [id, second] of [["file", false], ["second-file", true]]) {
  $(id).addEventListener("change", () => {
    open($(id).files[0], second);
    $(id).value = "";
  });
}
for (const id of ["first", "last"]) $(id).addEventListener("change", typeBars);
$("radius").addEventListener("input", () => ($("radius-value").textContent = Number($("radius").value)));

addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("dragging"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  open(event.dataTransfer.files[0], Boolean(session.song));
});

const keys = {
  " ": play,
  b: () => hear(1 - side),
  l: toggleLoop,
  "[": () => barAtPlayhead(false),
  "]": () => barAtPlayhead(true),
  "+": () => roll.zoom(1.5),
  "=": () => roll.zoom(1.5),
  "-": () => roll.zoom(1 / 1.5),
  Escape: () => chooseBars(null, true),
  Home: () => seek(0),
  ArrowLeft: (event) => (event.shiftKey ? extendBars(-1) : moveBars(-1)),
  ArrowRight: (event) => (event.shiftKey ? extendBars(1) : moveBars(1)),
};
for (let number = 1; number <= 9; number++) keys[number] = () => session.choose(number - 1);

addEventListener("keydown", (event) => {
  if (!session.song) return;
  const control = event.ctrlKey || event.metaKey;
  if (control && event.key.toLowerCase() === "z") {
    event.preventDefault();
    session.step(event.shiftKey ? 1 : -1);
    return;
  }
  const { tagName, type } = event.target;
  const typing = tagName === "SELECT" || (tagName === "INPUT" && type === "number");
  const own = tagName === "INPUT" ? /^(Arrow|Home)/ : /^( |Enter)$/; // keys that the element itself needs
  const needs = ["INPUT", "BUTTON", "SUMMARY"].includes(tagName) && own.test(event.key);
  if (control || event.altKey || typing || needs || !keys[event.key.length === 1 ? event.key.toLowerCase() : event.key]) return;
  event.preventDefault();
  keys[event.key.length === 1 ? event.key.toLowerCase() : event.key](event);
});

session
  .loadModel()
  .then(() => {
    const { name, bars, genres } = session.model;
    $("model-state").textContent = `model ${name}, ${bars} bars at a time`;
    moves.open(genres);
    show();
  })
  .catch((error) => {
    $("model-state").textContent = "There is no model.";
    complain(error);
  });

// For tests: what is heard, and where.
window.studio = { sound, session };
