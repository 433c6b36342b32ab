// The heads of the four lanes: who plays a role, whether it is kept, muted or heard alone.

import { $, button, element } from "/page/dom.js";
import { ROLES } from "/page/roll.js";

export class Heads {
  #muted = new Set();
  #solo = new Set();

  constructor(session, sound) {
    Object.assign(this, { session, sound });
    this.heads = Object.fromEntries(ROLES.map((role) => [role, this.#make(role)]));
  }

  #make(role) {
    const head = Object.assign(element("div"), { className: "head" });
    head.style.setProperty("--role", `var(--${role})`);
    const player = Object.assign(element("span"), { className: "player" });
    const choice = element("select");
    choice.setAttribute("aria-label", `Who plays ${role}`);
    choice.addEventListener("change", () => this.#choosePlayer(role, Number(choice.value)));
    const keep = button("Keep", `Keep ${role} as they are`, () => this.#toggleKept(role));
    const mute = button("M", `Mute ${role}`, () => this.#toggleHeard(this.#muted, role));
    const solo = button("S", `Hear ${role} alone`, () => this.#toggleHeard(this.#solo, role));
    const buttons = Object.assign(element("span"), { className: "pair" });
    buttons.append(keep, mute, solo);
    head.append(element("strong", role), player, choice, buttons);
    $("heads").append(head);
    return { player, choice, keep, mute, solo };
  }

  get #roles() {
    return (this.session.take ?? this.session.song).roles;
  }

  show() {
    const { locked, instruments } = this.session.now.asked;
    for (const [role, { player, choice, keep, mute, solo }] of Object.entries(this.heads)) {
      const { players, why } = this.#roles[role];
      player.textContent = players ?? "nobody plays it";
      player.title = why;
      keep.setAttribute("aria-pressed", locked.includes(role));
      mute.setAttribute("aria-pressed", this.#muted.has(role));
      solo.setAttribute("aria-pressed", this.#solo.has(role));
      for (const one of [keep, mute, solo]) one.disabled = !players;
      this.#showPlayers(choice, role, instruments[role]);
      player.hidden = !choice.hidden;
    }
  }

  // Offers a choice of who plays a role, where there is one.
  #showPlayers(choice, role, chosen) {
    const { instruments, editable } = this.session.base;
    const own = instruments.filter((one) => one.role === role);
    const others = instruments.filter((one) => one.drums === (role === "drums"));
    const players = own.length ? own : others;
    choice.hidden = own.length === 1 || !players.length || !editable;
    const first = own.length ? (role === "strings" ? "all together" : "most notes") : "nobody";
    const options = players.map((one) => new Option(`${one.number} ${one.name}`, one.number));
    choice.replaceChildren(new Option(first, 0), ...options);
    choice.value = chosen ?? 0;
  }

  #choosePlayer(role, number) {
    const { [role]: _, ...instruments } = this.session.now.asked.instruments;
    if (number) instruments[role] = number;
    this.session.ask({ instruments });
    this.session.again(number ? `${role}: instrument ${number}` : `${role}: most notes`);
  }

  #toggleKept(role) {
    const { locked } = this.session.now.asked;
    const keeps = !locked.includes(role);
    this.session.ask({ locked: keeps ? [...locked, role] : locked.filter((one) => one !== role) });
    this.session.again(`${keeps ? "kept" : "freed"} ${role}`);
  }

  #toggleHeard(set, role) {
    if (!set.delete(role)) set.add(role);
    this.show();
    this.mute();
  }

  // Mutes channels: where roles are heard alone, also those of instruments without a role.
  mute() {
    const alone = this.#solo.size > 0;
    const silent = new Set(alone ? this.session.base.instruments.map((one) => one.channel) : []);
    for (const role of ROLES) {
      const quiet = this.#muted.has(role) || (alone && !this.#solo.has(role));
      for (const channel of this.#roles[role].channels) quiet ? silent.add(channel) : silent.delete(channel);
    }
    this.sound.mute(silent);
  }
}
