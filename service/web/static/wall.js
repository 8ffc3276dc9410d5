// The wall: what is shown by words, filters and days, and the keys; grid.js shows it.

import { ask, problem, settle, t, tell } from "./frame.js";
import { Arrivals } from "./arrivals.js";
import { Grid, partOf } from "./grid.js";
import { Panel } from "./panel.js";
import { Place } from "./place.js";

// What is shown: the query of the address, without the place.

const PLACE = ["cursor", "day", "newer"];
const state = { query: shownBy(location.search) };

function shownBy(search) {
  const query = new URLSearchParams(search);
  for (const name of PLACE) query.delete(name);
  return query.toString();
}

const list = document.getElementById("wall");
const facets = document.querySelector("#facets .slot");
let typing;

/** How what is shown divides; a moment later than the images, which matter more. */
async function divide() {
  const answer = await ask(`/wall/facets?${state.query}`, { signal: typing?.signal });
  if (answer.ok) facets.replaceChildren(partOf(await answer.text()));
}

if (list) {
  const wall = new Grid(list, state);
  const panel = new Panel(wall, state);
  const arrivals = new Arrivals(wall, state);
  const place = new Place(wall, state);
  wall.selection.panel = panel;
  const search = document.getElementById("q");
  const form = search.form;
  let waiting;

  /** Show something else, without leaving the page. */
  const change = async (query, { push = false, moves = true } = {}) => {
    typing?.abort();
    typing = new AbortController();
    const mine = typing;
    try {
      const address = `/?${query}`;
      const answer = await ask(address, { signal: mine.signal });
      if (!answer.status) return tell(await problem(answer));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.getElementById("main");
      if (mine !== typing) return;
      if (!answer.ok || !main) return tell((page.querySelector(".detail") ?? page.querySelector("h1"))?.textContent ?? t("That cannot be shown."));
      const found = main.querySelector("ol.wall");
      if (!found) return location.assign(address);
      state.query = shownBy(query);
      if (moves) history[push ? "pushState" : "replaceState"]({}, "", panel.isOpen ? `/images/${encodeURIComponent(panel.id)}?${query}` : address);
      const chosen = main.querySelector(".chosen");
      document.querySelector("main .chosen")?.remove();
      if (chosen) document.getElementById("main").prepend(chosen);
      for (const part of [".statuses", ".days"]) document.querySelector(part).replaceWith(page.querySelector(part));
      for (const hidden of form.querySelectorAll("input[type=hidden]")) hidden.remove();
      form.prepend(...page.querySelectorAll(".bar input[type=hidden]"));
      arrivals.forget();
      scrollTo({ top: 0 });
      wall.adopt(found);
      await divide();
    } catch (error) {
      if (error.name !== "AbortError") tell(t("The service cannot be reached."));
    }
  };

  const typed = () => {
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) if (!value.trim()) query.delete(name, value);
    const words = search.value.trim();
    if (/[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\d]$/u.test(words) && search.value === words) query.set("q", `${words}*`);
    if (query.get("sort") === "newest") query.delete("sort");
    return change(query.toString());
  };
  const soon = (event) => { clearTimeout(waiting); if (!event.isComposing) waiting = setTimeout(typed, 180); };
  search.addEventListener("input", soon);
  search.addEventListener("compositionend", soon); // what is being composed are no words yet
  for (const name of ["day", "sort"]) form.elements[name].addEventListener("change", typed);
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(waiting); typed(); });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    if (link.closest("#facets, .chosen") && link.pathname === "/") {
      event.preventDefault();
      search.value = (link.search && new URLSearchParams(link.search).get("q")?.replace(/\*$/, "")) || "";
      change(link.search.slice(1), { push: true });
    } else if (link.closest(".tile")) {
      event.preventDefault();
      wall.current = Number(link.closest(".tile").dataset.number);
      panel.open(link.closest(".tile").dataset.id);
    }
  });

  const narrow = document.querySelector(".bar .narrow");
  narrow.hidden = false;
  narrow.addEventListener("click", () => {
    const open = document.getElementById("facets").classList.toggle("open");
    narrow.setAttribute("aria-expanded", String(open));
  });

  const keys = document.getElementById("keys");
  const letters = document.getElementById("letters"); // who speaks to a computer says letters that are no keys
  letters.checked = localStorage.getItem("letters") !== "off";
  letters.addEventListener("change", () => localStorage.setItem("letters", letters.checked ? "on" : "off"));
  const showKeys = document.querySelector(".bar .keys");
  showKeys.hidden = false;
  showKeys.addEventListener("click", () => keys.showModal());

  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (!letters.checked && event.key.length === 1) return;
    if (keys.open || event.altKey || event.ctrlKey || event.metaKey || (inField && event.key !== "Escape")) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, j: 1, k: -1, End: wall.tiles.length, Home: -wall.tiles.length }[event.key];
    const rows = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "/") search.focus();
    else if (event.key === "Escape") inField ? event.target.blur() : panel.close();
    else if (step !== undefined) panel.goTo(wall.current < 0 ? 0 : wall.current + step);
    else if (rows !== undefined) panel.goTo(wall.current < 0 ? 0 : wall.vertical(rows));
    else if (event.key === "x" && wall.currentId) wall.selection.toggle(wall.currentId);
    else if (event.key === "X" && wall.currentId) wall.selection.reach(wall.currentId);
    else if (event.key === "a") wall.selection.add(wall.inSight);
    else if (event.key === "s") wall.selection.focus();
    else if (event.key === "d" && wall.currentId) panel.download(wall.currentId);
    else if (event.key === "c") wall.selection.compare();
    else if (event.key === "?") keys.showModal();
    else return;
    event.preventDefault();
  });

  addEventListener("wall-changed", () => divide());
  addEventListener("popstate", async ({ state: kept }) => { if (await panel.follow(change, shownBy(location.search))) await place.restore(kept); });
  divide();
  settle(document);
  if (!panel.isOpen) place.restore();
}
