// The panel beside the wall: one image, what is known of it, and what can be done with it.

import { ask, copy, problem, settle, t, tell } from "./frame.js";

const COVERS = matchMedia("(max-width: 48rem)"); // as the style sheet has it
const SWIPE = 60; // pixels
const IMAGE = /^\/images\/([^/]+)$/;

export class Panel {
  constructor(wall, state) {
    this.wall = wall;
    this.state = state;
    this.element = document.getElementById("panel");
    this.element.addEventListener("click", (event) => this.clicked(event));
    this.element.addEventListener("toggle", (event) => this.unfolded(event.target), true);
    this.element.addEventListener("touchstart", (event) => { this.touched = event.touches.length === 1 && event.target.closest(".picture") ? event.touches[0] : null; }, { passive: true });
    this.element.addEventListener("touchend", (event) => this.swiped(event.changedTouches[0]), { passive: true });
    COVERS.addEventListener("change", () => this.cover());
    this.cover();
    if (!this.element.hidden) this.wall.current = this.wall.numberOf(this.id);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get id() {
    return this.element.querySelector("article")?.dataset.id;
  }

  /** Make a tile the current one; where an image is shown, show that one. */
  async goTo(number) {
    const before = this.wall.current;
    this.wall.go(number);
    if (this.isOpen && this.wall.current !== before) await this.open(this.wall.currentId, { replace: true });
  }

  /** The one before or after it; who pressed the button can press it again. */
  async step(by) {
    await this.goTo(this.wall.current + by);
    this.element.querySelector(`[data-by="${by}"]`)?.focus({ preventScroll: true });
  }

  swiped({ clientX, clientY }) {
    if (!this.touched || visualViewport.scale > 1) return;
    const [right, down] = [clientX - this.touched.clientX, clientY - this.touched.clientY];
    if (Math.abs(right) > SWIPE && Math.abs(right) > 2 * Math.abs(down)) this.goTo(this.wall.current + (right < 0 ? 1 : -1));
  }

  /** Nothing that lies under the panel takes the focus. */
  cover() {
    for (const one of document.querySelectorAll(".skip, .top, search, #facets, #main")) one.inert = this.isOpen && COVERS.matches;
  }

  async open(id, { replace = false, pushes = true } = {}) {
    const opening = this.opening = {};
    const answer = await ask(`/images/${encodeURIComponent(id)}/panel?${this.state.query}`);
    const said = answer.ok ? await answer.text() : await problem(answer);
    if (this.opening !== opening) return; // another one was asked for since
    if (!answer.ok) return tell(said);
    const wasOpen = this.isOpen;
    this.element.innerHTML = said;
    this.element.hidden = false;
    this.element.scrollTop = 0;
    document.body.classList.add("with-panel");
    this.cover();
    settle(this.element);
    document.title = `${this.element.querySelector("h2").textContent} · Darkroom`;
    const address = `/images/${encodeURIComponent(id)}${this.state.query ? `?${this.state.query}` : ""}`;
    if (pushes) history[replace || wasOpen ? "replaceState" : "pushState"](history.state, "", address);
    if (!replace && !wasOpen) this.element.querySelector(".close").focus({ preventScroll: true });
  }

  close({ pushes = true } = {}) {
    this.opening = null;
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.element.replaceChildren();
    document.body.classList.remove("with-panel");
    this.cover();
    document.title = `${document.querySelector("h1").textContent} · Darkroom`;
    if (pushes) history.pushState(history.state, "", `/${this.state.query ? `?${this.state.query}` : ""}`);
    if (this.wall.current >= 0) this.wall.go(this.wall.current);
  }

  /** Go where the browser's back and forward buttons lead; whether that is another wall. */
  async follow(change, query) {
    const image = IMAGE.exec(location.pathname);
    if (image) await this.open(decodeURIComponent(image[1]), { pushes: false });
    else this.close({ pushes: false });
    if (query === this.state.query) return false;
    await change(location.search.slice(1), { moves: false });
    return true;
  }

  download(id) {
    const link = document.createElement("a");
    link.href = `/v1/assets/${encodeURIComponent(id)}/content?download=1`;
    link.download = "";
    link.click();
  }

  clicked(event) {
    const at = event.target.closest(".close, .strip a, [data-do]");
    if (!at || event.metaKey || event.ctrlKey) return;
    if (at.matches(".close")) { event.preventDefault(); this.close(); }
    else if (at.matches(".strip a")) { event.preventDefault(); this.open(decodeURIComponent(IMAGE.exec(at.pathname)[1]), { replace: true }); }
    else if (at.dataset.do === "step") this.step(Number(at.dataset.by));
    else if (at.dataset.do === "copy") copy(at.dataset.text);
    else if (at.dataset.do === "sign") this.sign(at.dataset.address);
    else if (at.dataset.do === "retry") this.write(at.dataset.address, "POST", t("It is tried again."));
    else if (at.dataset.do === "delete" && confirm(at.dataset.sure)) this.remove(at.dataset.address);
  }

  async sign(address) {
    const answer = await ask(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    if (!answer.ok) return tell(await problem(answer));
    await copy((await answer.json()).url);
  }

  async write(address, method, said) {
    const answer = await ask(address, { method });
    tell(answer.ok ? said : await problem(answer));
    if (answer.ok && this.id) await this.open(this.id, { pushes: false });
    return answer.ok;
  }

  async remove(address) {
    const { id } = this;
    const answer = await ask(address, { method: "DELETE" });
    if (!answer.ok) return tell(await problem(answer));
    tell(t("Deleted."));
    this.close();
    this.wall.remove(id);
  }

  /** What is long or rarely looked at is asked for when somebody unfolds it. */
  async unfolded(part) {
    const slot = part.open && part.dataset.part && part.querySelector(".slot");
    if (!slot || slot.childElementCount) return;
    const answer = await ask(part.dataset.part);
    if (part.dataset.kind !== "similar") slot.innerHTML = answer.ok ? await answer.text() : "";
    else slot.append(answer.ok ? alike(await answer.json()) : Object.assign(document.createElement("p"), { textContent: await problem(answer) }));
  }
}

function alike({ items }) {
  if (!items.length) return Object.assign(document.createElement("p"), { className: "soft", textContent: t("Nothing looks like this one.") });
  const strip = Object.assign(document.createElement("ul"), { className: "strip" });
  for (const { distance, asset } of items) {
    const image = Object.assign(document.createElement("img"), { src: `/v1/assets/${encodeURIComponent(asset.id)}/thumbnail?size=256`, height: 96, loading: "lazy", alt: asset.id, title: t("{n} bit apart|{n} bits apart", { n: distance }) });
    const link = Object.assign(document.createElement("a"), { href: `/images/${encodeURIComponent(asset.id)}` });
    link.append(image);
    strip.append(Object.assign(document.createElement("li"), {}));
    strip.lastElementChild.append(link);
  }
  return strip;
}
