// What can be asked for: attributes, a genre, faithfulness, and what came out beside it.

import { Circle } from "/page/circle.js";
import { $, element, signed } from "/page/dom.js";

const ATTRIBUTES = [
  ["notes", "Notes", "fewer", "more"],
  ["drum density", "Drum density", "calmer", "busier"],
  ["note length", "Note length", "shorter", "longer"],
  ["mean pitch", "Mean pitch", "lower", "higher"],
  ["polyphony", "Polyphony", "thinner", "fuller"],
];
const FARTHEST = 3; // standard deviations that a slider can ask for
const ROW = `<label></label><input type="range" min="${-FARTHEST}" max="${FARTHEST}" step="0.1" value="0"
  title="In standard deviations of real music"><output></output><span class="ends"><i></i><i></i></span>
  <label class="hold"><input type="checkbox"> hold</label><p class="got"></p>`;

const round = (number) => Number(number.toPrecision(3));

export class Moves {
  #told = null; // what the song is to the model

  constructor(session) {
    this.session = session;
    this.rows = Object.fromEntries(ATTRIBUTES.map((attribute) => [attribute[0], this.#makeRow(...attribute)]));
    this.circle = new Circle($("circle"), (chosen, final) => this.#chooseGenre(chosen, final));
    const strength = (final) => this.#chooseGenre([$("genre").value, Number($("strength").value)], final);
    $("genre").addEventListener("change", () => this.#chooseGenre($("genre").value ? [$("genre").value, 1] : null, true));
    $("strength").addEventListener("input", () => strength(false));
    $("strength").addEventListener("change", () => strength(true));
    $("faithfulness").addEventListener("input", () => session.ask({ faithfulness: Number($("faithfulness").value) }));
    $("faithfulness").addEventListener("change", () => session.again(`faithfulness ${$("faithfulness").value}`));
  }

  #makeRow(name, label, less, more) {
    const row = Object.assign(element("div"), { className: "attribute", innerHTML: ROW });
    const [title, slider, output, ends, holdLabel, got] = row.children;
    const hold = holdLabel.firstChild;
    slider.id = name.replace(" ", "-");
    for (const one of [title, output]) one.htmlFor = slider.id;
    title.textContent = label;
    [ends.children[0].textContent, ends.children[1].textContent] = [less, more];
    holdLabel.title = `Do not let other changes take ${name} along`;
    hold.setAttribute("aria-label", `Hold ${name}`);
    slider.addEventListener("input", () => this.#ask(name, Number(slider.value), hold.checked));
    slider.addEventListener("change", () => this.session.edit(`${name} ${signed(slider.value)}`));
    hold.addEventListener("change", () => {
      const held = hold.checked;
      this.#ask(name, held ? 0 : Number(slider.value), held);
      this.session.edit(`${name} ${held ? "held" : "free"}`);
    });
    $("attributes").append(row);
    return { slider, output, hold, got };
  }

  #ask(name, amount, held) {
    const { [name]: _, ...attributes } = this.session.now.asked.attributes;
    if (amount || held) attributes[name] = amount;
    this.session.ask({ attributes });
  }

  #chooseGenre(chosen, final) {
    const genre = chosen && (chosen[1] || !final) ? chosen : null;
    this.session.ask({ genre });
    if (final) this.session.edit(genre ? `${genre[0]} ${signed(genre[1])}` : "no genre");
  }

  // Takes the genres that the model knows, in the order of the circle.
  open(genres) {
    $("genre").append(...[...genres].sort().map((genre) => new Option(genre, genre)));
    this.circle.open(genres);
  }

  show() {
    const { asked, song } = this.session.now;
    const replies = Object.fromEntries((this.session.take?.reply.attributes ?? []).map((one) => [one.name, one]));
    for (const [name, { slider, output, hold, got }] of Object.entries(this.rows)) {
      const amount = asked.attributes[name];
      slider.value = amount ?? 0;
      hold.checked = amount === 0;
      output.textContent = amount ? signed(amount) : amount === 0 ? "held" : "–";
      slider.setAttribute("aria-valuetext", `asked ${output.textContent}`);
      showGot(got, replies[name]);
    }
    $("faithfulness").value = asked.faithfulness;
    $("faithfulness-value").textContent = asked.faithfulness;
    const [genre, strength] = asked.genre ?? ["", 0];
    this.circle.choose(asked.genre);
    $("genre").value = genre;
    $("strength").value = strength;
    $("strength").disabled = !genre;
    $("strength-value").textContent = genre ? signed(strength) : "–";
    if (this.#told?.song === song) this.#showTold();
  }

  // Shows where the song stands among real music.
  tell(song, description) {
    this.#told = { song, ...description };
    this.#showTold();
  }

  #showTold() {
    const { reply } = this.#told;
    this.circle.place(reply.genres);
    for (const { name, percentile } of reply.metrics) {
      const got = this.rows[name]?.got;
      if (got && !got.textContent && percentile !== null) got.textContent = `more than ${Math.round(percentile)}% of real music`;
    }
    const moved = this.session.take?.reply.genres?.[0];
    const nearest = Object.entries(reply.genres)[0];
    let likeness = nearest ? `Most like ${nearest[0]}: more so than ${Math.round(nearest[1])}% of real music.` : "";
    if (moved && moved.after !== null) {
      likeness = `More ${moved.name} than ${Math.round(moved.before)}% of real music, now than ${Math.round(moved.after)}%.`;
    }
    $("likeness").textContent = likeness;
  }
}

function showGot(got, reply) {
  got.classList.toggle("short", Boolean(reply && !reply.arrived));
  if (!reply) got.textContent = "";
  else if (reply.got === null) got.textContent = "there is nothing to measure here";
  else {
    const values = `${round(reply.before)} → ${round(reply.after)} ${reply.unit}`;
    got.textContent = `got ${signed(reply.got.toFixed(2))}${reply.arrived ? "" : ", the nearest it comes"}: ${values}`;
  }
}
