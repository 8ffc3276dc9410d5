// Images that somebody picked: to compare, export or delete them together.

import { ask, problem, t, tell } from "./frame.js";

export class Selection {
  constructor(wall) {
    this.wall = wall;
    this.ids = new Set();
    this.bar = document.getElementById("selected");
    this.wall.list.addEventListener("change", (event) => {
      if (event.target.matches(".pick input")) this.toggle(event.target.value, event.target.checked);
    });
  }

  /** Show on a tile whether it is picked. */
  mark(element) {
    element.querySelector(".pick input").checked = this.ids.has(element.dataset.id);
  }

  toggle(id, on = !this.ids.has(id)) {
    if (on) this.ids.add(id);
    else this.ids.delete(id);
    for (const element of this.wall.drawn.values()) this.mark(element);
    this.show();
  }

  clear() {
    this.ids.clear();
    for (const element of this.wall.drawn.values()) this.mark(element);
    this.show();
  }

  show() {
    document.body.classList.toggle("picking", this.ids.size > 0);
    this.bar.hidden = this.ids.size === 0;
    const count = Object.assign(document.createElement("strong"), { textContent: t("{n} selected|{n} selected", { n: this.ids.size }) });
    this.bar.replaceChildren(
      count,
      this.button(t("Compare"), () => this.compare(), { disabled: this.ids.size !== 2 }),
      this.button(t("Clear"), () => this.clear()),
    );
  }

  button(text, act, given = {}) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: text, ...given });
    button.addEventListener("click", act);
    return button;
  }

  compare() {
    const [a, b] = this.ids;
    if (this.ids.size === 2) location.assign(`/compare?${new URLSearchParams({ a, b })}`);
    else tell(t("Select two images to compare them."));
  }
}
