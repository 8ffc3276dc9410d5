// The grid: rows that are laid out once and drawn only where somebody looks, so that a million images stay smooth.

import { ask } from "./frame.js";
import { firstBelow, rows, rowsBefore } from "./rows.js";
import { Selection } from "./selection.js";

const GAP = 6;
const AHEAD = 1.5; // screens that are drawn above and below
const FETCH_AHEAD = 4; // screens that are asked for before somebody comes there

export class Grid {
  constructor(list, state) {
    this.state = state;
    this.list = list;
    this.tiles = []; // {id, html, ratio}
    this.ids = new Set();
    this.drawn = new Map(); // by number
    list.style.overflowAnchor = "none"; // who keeps the place is `hold`
    this.placed = [];
    this.current = -1;
    this.selection = new Selection(this);
    this.scale = document.getElementById("scale");
    this.scale.value = localStorage.getItem("tile-size") ?? this.scale.value;
    this.adopt(list);
    addEventListener("scroll", () => this.look(), { passive: true });
    list.addEventListener("focusin", (event) => this.mark(Number(event.target.closest(".tile")?.dataset.number ?? -1)));
    new ResizeObserver(() => this.resized()).observe(list.parentElement);
    this.scale.addEventListener("input", () => { localStorage.setItem("tile-size", this.scale.value); this.layOut(); });
  }

  /** Begin with what the server has drawn. */
  adopt(list) {
    this.asking = null; // what is under way belongs to what was shown before
    this.newer = list.dataset.newer;
    this.older = list.dataset.older;
    this.tiles = readTiles(list);
    this.ids = new Set(this.tiles.map((one) => one.id));
    this.drawn.clear();
    this.placed = [];
    this.list.replaceChildren();
    this.list.classList.add("placed");
    this.current = -1;
    for (const more of document.querySelectorAll(".more")) more.hidden = true;
    document.querySelector(".nothing")?.toggleAttribute("hidden", this.tiles.length > 0);
    this.layOut();
  }

  get rowHeight() {
    return Math.min(Number(this.scale.value), innerWidth < 500 ? 160 : 1000);
  }

  resized() {
    if (this.list.clientWidth !== this.width) this.layOut();
  }

  /** Place everything anew; what was at the top of the window stays there. */
  layOut() {
    const kept = this.atTop();
    this.replace();
    if (kept?.number > 0) this.hold(kept);
    this.look();
  }

  replace() {
    this.renumber();
    this.width = this.list.clientWidth;
    this.placed = [];
    this.reached = { next: 0, top: 0 };
    this.place();
  }

  /** What is drawn stays drawn, with its focus, whatever came before it or went. */
  renumber() {
    const numbers = new Map(this.tiles.map((one, number) => [one.id, number]));
    const drawn = [...this.drawn.values()];
    this.drawn.clear();
    for (const element of drawn) {
      const number = numbers.get(element.dataset.id);
      element.dataset.number = number;
      if (number === undefined) element.remove();
      else this.drawn.set(number, element);
    }
  }

  place() {
    const { rows: more, top, next } = rows(this.tiles.map((one) => one.ratio), {
      from: this.reached.next, top: this.reached.top, width: this.width, height: this.rowHeight, gap: GAP, whole: !this.older,
    });
    this.placed.push(...more);
    this.reached = { next, top };
    this.list.style.height = `${top}px`;
  }

  /** Place what was put before; the rows that there were only move. */
  placeBefore(fresh) {
    this.renumber();
    const { rows: more, height } = rowsBefore(this.tiles.map((one) => one.ratio), {
      to: fresh + (this.placed[0]?.from ?? 0), width: this.width, height: this.rowHeight, gap: GAP,
    });
    const moved = this.placed.map((row) => ({ ...row, top: row.top + height, from: row.from + fresh, to: row.to + fresh }));
    this.placed = [...more, ...moved];
    this.reached = { next: this.reached.next + fresh, top: this.reached.top + height };
    this.list.style.height = `${this.reached.top}px`;
  }

  get offset() {
    return this.list.getBoundingClientRect().top + scrollY;
  }

  /** The first tile that is seen, and where in the window its row begins. */
  atTop() {
    const row = this.placed[firstBelow(this.placed, scrollY - this.offset)];
    return row && { number: row.from, at: this.offset + row.top - scrollY };
  }

  /** Scroll to where what was kept is seen again as it was. */
  hold({ number, at }, moved = 0) {
    const row = this.rowOf(number + moved);
    if (row) scrollTo({ top: this.offset + row.top - at });
  }

  /** Draw what is near the window, take away what is not, and ask for more before it is needed. */
  look() {
    const above = scrollY - this.offset;
    const from = above - AHEAD * innerHeight;
    const to = above + (1 + AHEAD) * innerHeight;
    const wanted = new Set();
    for (let at = firstBelow(this.placed, from); at < this.placed.length && this.placed[at].top < to; at += 1) {
      this.draw(this.placed[at], wanted);
    }
    const focused = this.drawn.has(this.current) && this.drawn.get(this.current).contains(document.activeElement);
    if (focused && !wanted.has(this.current) && this.rowOf(this.current)) this.draw(this.rowOf(this.current), wanted);
    for (const [number, element] of this.drawn) {
      if (!wanted.has(number)) {
        forget(element);
        this.drawn.delete(number);
      }
    }
    if (this.older && above + (1 + FETCH_AHEAD) * innerHeight > this.reached.top) this.more();
    if (this.newer && above < FETCH_AHEAD * innerHeight) this.before();
  }

  draw(row, wanted) {
    let left = 0;
    for (let number = row.from; number < row.to; number += 1) {
      const width = row.widths[number - row.from];
      wanted.add(number);
      const element = this.drawn.get(number) ?? this.begin(number);
      if (element.row !== row) {
        element.row = row;
        Object.assign(element.style, { left: `${left}px`, top: `${row.top}px`, width: `${width}px`, height: `${row.height}px` });
      }
      left += width + GAP;
    }
  }

  begin(number) {
    const element = elementOf(this.tiles[number].html);
    if (element.dataset.colour) element.style.backgroundColor = element.dataset.colour;
    element.classList.toggle("current", number === this.current);
    this.selection.mark(element);
    this.insert(number, element);
    return element;
  }

  /** In the order of the wall, so that the Tab key and screen readers go through it as eyes do. */
  insert(number, element) {
    element.dataset.number = number;
    let next = null;
    for (const other of this.list.children) {
      if (Number(other.dataset.number) > number) { next = other; break; }
    }
    this.list.insertBefore(element, next);
    this.drawn.set(number, element);
  }

  async page(direction, cursor) {
    const query = new URLSearchParams(this.state.query);
    query.set("cursor", cursor);
    if (direction === "newer") query.set("newer", "true");
    const answer = await ask(`/wall?${query}`);
    if (!answer.ok) throw new Error(String(answer.status));
    return partOf(await answer.text()).querySelector("ol");
  }

  async more() {
    if (this.asking) return;
    const [asking, cursor] = [this.asking = {}, this.older];
    try {
      const page = await this.page("older", cursor);
      if (this.asking !== asking) return;
      this.older = page.dataset.older;
      const tiles = readTiles(page).filter((one) => !this.ids.has(one.id));
      for (const one of tiles) this.ids.add(one.id);
      this.tiles.push(...tiles);
      this.place();
      this.asking = null;
      this.look();
    } catch {
      if (this.asking === asking) setTimeout(() => { this.asking = null; this.look(); }, 3000);
    }
  }

  async before() {
    if (this.asking) return;
    const asking = this.asking = {};
    try {
      const page = await this.page("newer", this.newer);
      if (this.asking !== asking) return;
      this.newer = page.dataset.newer;
      this.asking = null;
      this.prepend(readTiles(page), { keeps: true });
    } catch {
      if (this.asking === asking) setTimeout(() => { this.asking = null; this.look(); }, 3000);
    }
  }

  /** Put tiles before the first one. What somebody looks at stays where it is, and the tile that has the focus has it. */
  prepend(tiles, { keeps = scrollY > this.offset } = {}) {
    const fresh = tiles.filter((one) => !this.ids.has(one.id));
    if (!fresh.length && !this.placed[0]?.from) return;
    for (const one of fresh) this.ids.add(one.id);
    const kept = this.atTop();
    this.tiles.unshift(...fresh);
    if (this.current >= 0) this.current += fresh.length;
    if (this.isWhole) this.replace(); // the first row is full, too
    else this.placeBefore(fresh.length);
    if (keeps && kept) this.hold(kept, fresh.length);
    this.look();
  }

  get isWhole() {
    return !this.newer;
  }

  get isAtBeginning() {
    return this.isWhole && scrollY <= this.offset;
  }

  /** The first page as it is now, and how many of its tiles have come since. */
  async first() {
    const answer = await ask(`/wall?${this.state.query}`);
    if (!answer.ok) return { page: null, fresh: [] };
    const page = partOf(await answer.text()).querySelector("ol");
    const tiles = readTiles(page);
    const known = tiles.findIndex((one) => this.ids.has(one.id));
    return { page, fresh: known < 0 ? tiles : tiles.slice(0, known), follows: known >= 0 };
  }

  /** What has come since, for who looks at the beginning. */
  fresh({ page, fresh, follows }) {
    if (follows) this.prepend(fresh);
    else if (page) this.adopt(page); // so many that some are missing in between
  }

  /** Forget images that are deleted; what keys act on stays the same where it is still there. */
  remove(...ids) {
    const { currentId } = this;
    this.tiles = this.tiles.filter((one) => !ids.includes(one.id));
    for (const id of ids) this.ids.delete(id);
    this.current = this.numberOf(currentId);
    this.selection.forget(ids);
    this.layOut();
  }

  /** The ids of the images in the window. */
  get inSight() {
    const above = scrollY - this.offset;
    const seen = this.placed.filter((row) => row.top + row.height > above && row.top < above + innerHeight);
    return seen.flatMap((row) => this.tiles.slice(row.from, row.to).map((one) => one.id));
  }

  rowOf(number) {
    return this.placed.find((row) => row.from <= number && number < row.to);
  }

  /** Bring a tile into the window. */
  show(number, where = "nearest") {
    const row = this.rowOf(number);
    if (!row) return;
    const head = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--top")) + GAP;
    const top = this.offset + row.top;
    if (where === "start" || top < scrollY + head) scrollTo({ top: top - head });
    else if (top + row.height > scrollY + innerHeight) scrollTo({ top: top + row.height - innerHeight + GAP });
  }

  /** Make a tile the one that keys act on. */
  go(number) {
    if (!this.tiles.length) return;
    this.mark(Math.max(0, Math.min(this.tiles.length - 1, number)));
    this.show(this.current);
    this.look();
    this.drawn.get(this.current)?.querySelector("a").focus({ preventScroll: true });
  }

  mark(number) {
    this.current = number;
    for (const [one, element] of this.drawn) element.classList.toggle("current", one === number);
  }

  /** The tile above or below the current one that lies nearest. */
  vertical(step) {
    const row = this.rowOf(this.current);
    const other = this.placed[this.placed.indexOf(row) + step];
    if (!row || !other) return this.current;
    const middle = (one, number) => one.widths.slice(0, number - one.from).reduce((a, b) => a + b + GAP, 0) + one.widths[number - one.from] / 2;
    const here = middle(row, this.current);
    let best = other.from;
    for (let number = other.from; number < other.to; number += 1) {
      if (Math.abs(middle(other, number) - here) < Math.abs(middle(other, best) - here)) best = number;
    }
    return best;
  }

  get currentId() {
    return this.tiles[this.current]?.id;
  }

  numberOf(id) {
    return this.tiles.findIndex((one) => one.id === id);
  }
}

/** Take a tile away; its picture, if it has not come, makes room for those that are looked at. */
function forget(element) {
  const picture = element.querySelector("img");
  if (picture && !picture.complete) for (const name of ["srcset", "src"]) picture.removeAttribute(name);
  element.remove();
}

function readTiles(list) {
  return [...list.querySelectorAll(".tile")].map((one) => {
    const plain = one.cloneNode(true);
    plain.removeAttribute("style"); // what a script has set may not stand in markup, and of the tile itself it would stay
    return { id: one.dataset.id, html: plain.outerHTML, ratio: Number(one.dataset.width) / Number(one.dataset.height) };
  });
}

/** Markup of ours as nodes. */
export function partOf(text) {
  const template = document.createElement("template");
  template.innerHTML = text;
  return template.content;
}

function elementOf(text) {
  return partOf(text).firstElementChild;
}
