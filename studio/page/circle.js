// The circle of genres with the song on it. Dragging the song toward a genre asks for more of that genre.

const SVG = "http://www.w3.org/2000/svg";
const RIM = 90;
const NAMES = 99;
const LONGEST = 2; // how far a drag may go, where 1 reaches the genre's name

export class Circle {
  #genres = [];
  #likeness = {};
  #from = [0, 0];
  #chosen = null; // [genre, strength]

  // onMove takes [genre, strength] or null, and whether the choice is final.
  constructor(element, onMove) {
    this.onMove = onMove;
    this.svg = make("svg", { viewBox: "-196 -190 392 380", "aria-hidden": "true" });
    element.append(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.#drag(event));
  }

  open(genres) {
    this.#genres = genres;
    this.draw();
  }

  // Shows where the song is: percentiles by genre, of those that it is most like.
  place(likeness) {
    this.#likeness = likeness;
    const entries = Object.entries(likeness).filter(([genre]) => this.#genres.includes(genre));
    const total = entries.reduce((sum, [, value]) => sum + value, 0) || 1;
    const [x, y] = [0, 1].map((axis) => entries.reduce((sum, [genre, value]) => sum + (this.#at(genre)[axis] * value) / total, 0));
    this.#from = [x * RIM * 0.8, y * RIM * 0.8];
    this.draw();
  }

  choose(chosen) {
    this.#chosen = chosen;
    this.draw();
  }

  #at(genre) {
    const angle = (2 * Math.PI * this.#genres.indexOf(genre)) / this.#genres.length - Math.PI / 2;
    return [Math.cos(angle), Math.sin(angle)];
  }

  // Where the song is asked to go.
  #to() {
    if (!this.#chosen) return this.#from;
    const [genre, strength] = this.#chosen;
    const [x, y] = this.#at(genre);
    return [0, 1].map((axis) => this.#from[axis] + strength * ([x, y][axis] * RIM - this.#from[axis]));
  }

  draw() {
    const [from, to] = [this.#from, this.#to()];
    const parts = [make("circle", { class: "rim", r: RIM })];
    for (const genre of this.#genres) {
      const [x, y] = this.#at(genre);
      parts.push(make("line", { class: "spoke", x1: x * 12, y1: y * 12, x2: x * RIM, y2: y * RIM }));
      const turn = (Math.atan2(y, x) * 180) / Math.PI;
      const left = x < -1e-9;
      const text = make("text", {
        class: genre === this.#chosen?.[0] ? "chosen" : genre in this.#likeness ? "near" : "",
        transform: `translate(${x * NAMES} ${y * NAMES}) rotate(${left ? turn + 180 : turn})`,
        "text-anchor": left ? "end" : "start",
        "dominant-baseline": "middle",
      });
      text.textContent = genre;
      text.dataset.genre = genre;
      parts.push(text);
    }
    if (this.#genres.length) {
      parts.push(make("circle", { class: "from", cx: from[0], cy: from[1], r: 7 }));
      if (this.#chosen) parts.push(make("line", { class: "path", x1: from[0], y1: from[1], x2: to[0], y2: to[1] }));
      parts.push(make("circle", { class: "to", cx: to[0], cy: to[1], r: 8 }));
    }
    this.svg.replaceChildren(...parts);
  }

  #point(event) {
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [x, y];
  }

  // Returns the genre in whose direction a point lies from the song, and how far it is on the way: 1 is there.
  #choice([x, y]) {
    const [dx, dy] = [x - this.#from[0], y - this.#from[1]];
    const distance = Math.hypot(dx, dy);
    if (distance < 8) return null;
    const ways = this.#genres.map((genre) => {
      const [gx, gy] = this.#at(genre).map((one, axis) => one * RIM - this.#from[axis]);
      const length = Math.hypot(gx, gy) || 1;
      return { genre, length, near: (gx * dx + gy * dy) / length / distance };
    });
    const best = ways.reduce((one, other) => (other.near > one.near ? other : one));
    return [best.genre, Math.min(Math.round((distance / best.length) * 20) / 20, LONGEST)];
  }

  #drag(event) {
    if (!this.#genres.length || event.button) return;
    event.preventDefault();
    const named = event.target.dataset?.genre;
    if (named) {
      this.onMove([named, 1], true);
      return;
    }
    this.svg.setPointerCapture(event.pointerId);
    const move = (moved) => this.onMove(this.#choice(this.#point(moved)), false);
    const stop = (moved) => {
      this.svg.removeEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) this.svg.removeEventListener(name, stop);
      this.onMove(this.#choice(this.#point(moved)), true);
    };
    this.svg.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.svg.addEventListener(name, stop);
    move(event);
  }
}

function make(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
