// New images: shown by themselves to who looks at the beginning of the whole wall, else told of by a button.

import { t, tell } from "./frame.js";
import { watch } from "./live.js";

const REST = 2000; // between two looks, however fast images come

export class Arrivals {
  constructor(wall, state) {
    this.wall = wall;
    this.state = state;
    this.button = Object.assign(document.createElement("button"), { type: "button", className: "fresh first", hidden: true });
    this.button.addEventListener("click", () => this.bring());
    wall.list.before(this.button);
    let newest;
    watch((pulse) => {
      if (newest !== undefined && pulse.newest !== newest) this.look();
      newest = pulse.newest;
    });
  }

  /** Look at what came, now or after a rest; once for all that comes meanwhile. */
  async look() {
    this.due = true;
    if (this.looking) return;
    this.looking = true;
    while (this.due) {
      this.due = false;
      await this.show().catch(() => {}); // what could not be asked now is asked with the next that comes
      await new Promise((rested) => setTimeout(rested, REST));
    }
    this.looking = false;
  }

  async show() {
    const { query } = this.state;
    if (![null, "newest"].includes(new URLSearchParams(query).get("sort"))) return;
    const first = await this.wall.first();
    if (query !== this.state.query || !first.fresh.length) return;
    if (!query && this.wall.isAtBeginning) this.wall.fresh(first);
    else this.offer(first.fresh.length);
  }

  offer(number) {
    this.button.textContent = t("{n} new image|{n} new images", { n: number });
    this.button.hidden = false;
  }

  async bring() {
    const first = await this.wall.first();
    if (!first.page) return tell(t("The service cannot be reached."));
    this.forget();
    scrollTo({ top: 0 });
    if (this.wall.isWhole) this.wall.fresh(first);
    else this.wall.adopt(first.page);
  }

  forget() {
    this.button.hidden = true;
  }
}
