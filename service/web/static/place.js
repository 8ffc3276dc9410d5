// Where somebody was on the wall, and what they had picked, kept with the page in the browser's history: reloading it, or
// coming back from another page, leads there again.

import { ask } from "./frame.js";

const REST = 200; // after the last of many moves

export class Place {
  constructor(wall, state) {
    this.wall = wall;
    this.state = state;
    history.scrollRestoration = "manual"; // the browser knows no tiles that are not there yet
    const soon = () => { clearTimeout(this.waiting); this.waiting = setTimeout(() => this.keep(), REST); };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("wall-picked", soon);
  }

  keep() {
    const top = this.wall.isAtBeginning ? null : this.wall.atTop();
    const at = top && this.wall.tiles[top.number].id;
    history.replaceState({ at, offset: top?.at, picked: [...this.wall.selection.ids] }, "");
  }

  /** Be again where this page of the history was left. */
  async restore(kept = history.state) {
    const { at, offset, picked = [] } = kept ?? {};
    if (picked.length) this.wall.selection.add(picked);
    if (!at) return;
    if (this.wall.numberOf(at) < 0) await this.begin(at);
    const number = this.wall.numberOf(at);
    if (number >= 0) this.wall.hold({ number, at: offset });
  }

  /** Have the wall begin around an image. */
  async begin(id) {
    const answer = await ask(`/images/${encodeURIComponent(id)}?${this.state.query}`);
    if (!answer.ok) return; // it is gone: then from the beginning
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector("ol.wall");
    if (found) this.wall.adopt(found);
  }
}
