// Images that somebody picked: to compare, export, tag or delete them together.

import { ask, problem, t, tell } from "./frame.js";

const MOST = 500; // as many as the API takes at once
const AT_ONCE = 4;
const NAMED = 3; // failures that are told of one by one

export class Selection {
  constructor(wall) {
    this.wall = wall;
    this.ids = new Set();
    this.from = null; // where a range begins
    this.bar = document.getElementById("selected");
    this.build();
    this.wall.list.addEventListener("click", (event) => {
      if (event.target.matches(".pick input")) this.picked(event.target, event.shiftKey);
    });
  }

  /** Only what the key may do is there. */
  build() {
    this.count = made("strong");
    this.count.setAttribute("role", "status");
    this.comparing = this.button(t("Compare"), () => this.compare());
    this.exporting = this.exportForm();
    this.tagging = "mayWrite" in this.bar.dataset ? this.button(t("Tag"), () => this.unfold(this.form.hidden)) : null;
    this.deleting = "mayAdmin" in this.bar.dataset ? this.button(t("Delete"), () => this.remove(), { className: "danger" }) : null;
    this.clearing = this.button(t("Clear"), () => this.clear());
    this.stopping = this.button(t("Stop"), () => { this.stopped = true; }, { hidden: true });
    this.form = this.tagForm();
    this.failures = made("ul", { hidden: true });
    const all = [this.count, this.comparing, this.exporting, this.tagging, this.deleting, this.clearing, this.stopping];
    this.bar.append(...[...all, this.form, this.failures].filter(Boolean));
  }

  button(text, act, given = {}) {
    const button = made("button", { type: "button", textContent: text, ...given });
    button.addEventListener("click", act);
    return button;
  }

  /** A form and no link: hundreds of ids make an address that proxies refuse. */
  exportForm() {
    const form = made("form", { method: "post", action: "/export", className: "plain" });
    const token = document.querySelector("meta[name=write-token]")?.content ?? "";
    this.picks = made("input", { type: "hidden", name: "ids" });
    form.append(made("input", { type: "hidden", name: "write_token", value: token }), this.picks, made("button", { textContent: t("Export") }));
    return form;
  }

  tagForm() {
    const form = made("form", { hidden: true });
    this.name = made("input", { required: true, maxLength: 200, autocomplete: "off" });
    this.value = made("input", { maxLength: 500, autocomplete: "off" });
    const set = made("button", { className: "first", textContent: t("Set tag") });
    const unset = this.button(t("Remove tag"), () => form.reportValidity() && this.tag(null));
    const hint = made("small", { textContent: t("A tag belongs to a task: all of its images get it.") });
    form.append(labelled(t("Name"), this.name), labelled(t("Value"), this.value), set, unset, hint);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.tag(this.value.value); });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.unfold(false);
    });
    return form;
  }

  /** Show the fields of a tag, or hide them. */
  unfold(open) {
    this.form.hidden = !open;
    this.tagging?.setAttribute("aria-expanded", String(open));
    if (open) this.name.focus();
    else if (this.bar.contains(document.activeElement)) this.tagging?.focus();
  }

  /** Show on a tile whether it is picked. */
  mark(element) {
    element.querySelector(".pick input").checked = this.ids.has(element.dataset.id);
  }

  picked(box, reaches) {
    if (reaches) this.reach(box.value, box.checked);
    else this.toggle(box.value, box.checked);
  }

  toggle(id, on = !this.ids.has(id)) {
    this.from = id;
    this.add([id], on);
  }

  /** From the image that was picked last to this one. */
  reach(id, on = true) {
    const [one, other] = [this.wall.numberOf(this.from ?? id), this.wall.numberOf(id)];
    const first = one < 0 ? other : Math.min(one, other);
    this.add(this.wall.tiles.slice(first, Math.max(one, other) + 1).map((tile) => tile.id), on);
    this.from = id;
  }

  /** Pick these, too, or no longer. */
  add(ids, on = true) {
    for (const id of ids) {
      if (!on) this.ids.delete(id);
      else if (this.ids.size < MOST) this.ids.add(id);
    }
    if (ids.some((id) => on && !this.ids.has(id))) tell(t("At most {n} images can be selected at once.", { n: MOST }));
    this.show();
  }

  /** These are there no longer. */
  forget(ids) {
    for (const id of ids) this.ids.delete(id);
    this.show();
  }

  clear() {
    this.ids.clear();
    this.from = null;
    this.show();
  }

  focus() {
    if (!this.bar.hidden) this.bar.querySelector("button:enabled, a").focus();
  }

  show() {
    const { size } = this.ids;
    for (const element of this.wall.drawn.values()) this.mark(element);
    document.body.classList.toggle("picking", size > 0);
    this.bar.hidden = size === 0;
    this.failures.hidden = true;
    this.count.textContent = t("{n} selected|{n} selected", { n: size });
    this.comparing.disabled = size !== 2;
    this.picks.value = [...this.ids].join(" ");
    if (!size) this.unfold(false);
    dispatchEvent(new CustomEvent("wall-picked"));
  }

  compare() {
    const [a, b] = this.ids;
    if (this.ids.size === 2) location.assign(`/compare?${new URLSearchParams({ a, b })}`);
    else tell(t("Select two images to compare them."));
  }

  /** Give the tasks of what is picked a tag, or take it away. */
  async tag(value) {
    const tasks = new Set([...this.ids].map((id) => id.slice(0, id.lastIndexOf("."))));
    const body = JSON.stringify({ [this.name.value]: value });
    const headers = { "Content-Type": "application/merge-patch+json" };
    this.unfold(false);
    const { done, failed } = await this.each(tasks, (id) => ask(`/v1/tasks/${encodeURIComponent(id)}/tags`, { method: "PATCH", headers, body }));
    this.report(t("Done for {n} task.|Done for {n} tasks.", { n: done.length }), failed, this.tagging);
    const { panel } = this;
    if (panel?.isOpen && done.some((id) => panel.id.startsWith(`${id}.`))) panel.open(panel.id, { replace: true, pushes: false });
  }

  async remove() {
    const n = this.ids.size;
    if (!confirm(t("Delete {n} image for good? Nothing brings it back.|Delete {n} images for good? Nothing brings them back.", { n }))) return;
    const { done, failed } = await this.each(this.ids, (id) => ask(`/v1/assets/${encodeURIComponent(id)}`, { method: "DELETE" }));
    if (this.panel?.isOpen && done.includes(this.panel.id)) this.panel.close();
    this.wall.remove(...done);
    this.report(t("{n} image was deleted.|{n} images were deleted.", { n: done.length }), failed, this.deleting);
  }

  /** Ask for each, a few at a time, until all are done, somebody says stop, or nobody is logged in or answers any more. */
  async each(ids, send) {
    const [waiting, done, failed] = [[...ids], [], []];
    const n = waiting.length;
    this.stopped = false;
    this.work(true);
    const one = async () => {
      while (waiting.length && !this.stopped) {
        const id = waiting.shift();
        const answer = await send(id);
        if (answer.ok) done.push(id);
        else failed.push(`${id}: ${await problem(answer)}`);
        if ([0, 401].includes(answer.status)) this.stopped = true;
        this.count.textContent = t("{done} of {n} done", { done: done.length, n });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    this.work(false);
    return { done, failed };
  }

  /** While something is done, nothing else is begun. */
  work(on) {
    for (const one of this.bar.querySelectorAll("button")) one.disabled = on && one !== this.stopping;
    this.exporting.hidden = on;
    this.stopping.hidden = !on;
    this.count.setAttribute("role", on ? "none" : "status"); // what came of it is said, and not each step
    if (on) this.stopping.focus();
    else this.show();
  }

  /** What came of it; then the keyboard is again where it was begun. */
  report(said, failed, begun) {
    tell(failed.length ? `${said} ${t("{n} failed.|{n} failed.", { n: failed.length })}` : said);
    const more = failed.length - NAMED;
    const lines = failed.slice(0, NAMED).concat(more > 0 ? [t("and {n} more|and {n} more", { n: more })] : []);
    this.failures.replaceChildren(...lines.map((textContent) => made("li", { textContent })));
    this.failures.hidden = !failed.length;
    if (this.bar.hidden) this.wall.go(Math.max(this.wall.current, 0));
    else begun.focus();
    dispatchEvent(new CustomEvent("wall-changed"));
  }
}

function made(name, given = {}) {
  return Object.assign(document.createElement(name), given);
}

function labelled(text, field) {
  const label = made("label");
  label.append(made("span", { textContent: text }), field);
  return label;
}
