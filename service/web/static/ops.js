// Operations: figures that move by themselves, raw bodies, trying again, and replaying with a look at what it would do.

import { ask, problem, relative, t, tell } from "./frame.js";
import { watch } from "./live.js";

const LANGUAGE = document.documentElement.lang;
const alive = document.getElementById("alive");
const expiry = document.getElementById("expiry"); // none where the service itself is in trouble
const SOON = 7200000;
let came;

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) { bytes /= 1024; unit += 1; }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

watch((pulse) => {
  for (const shown of document.querySelectorAll("[data-figure]")) {
    const value = pulse[shown.dataset.figure];
    const text = shown.dataset.figure === "bytes" ? size(value) : value.toLocaleString(LANGUAGE);
    if (shown.textContent !== text) shown.textContent = text;
  }
  if (expiry) say(pulse);
}, (comes) => {
  const now = new Date().toLocaleTimeString(LANGUAGE);
  if (comes) alive.textContent = t("live");
  else if (comes !== came) alive.textContent = t("not live since {time}", { time: now });
  came = comes;
});

/** Whether anything is about to be lost, in the words that stand in the page for it. */
function say({ pending, next_expiry: at }) {
  const waits = pending ? "images" : at ? "tasks" : "nothing";
  const verdict = expiry.closest(".verdict");
  for (const part of verdict.querySelectorAll("[data-when]")) part.hidden = !part.dataset.when.split(" ").includes(waits);
  expiry.dateTime = at ?? "";
  count();
}

function count() {
  const left = Date.parse(expiry.dateTime) - Date.now();
  expiry.closest(".verdict").classList.toggle("tense", left < SOON);
  if (expiry.dateTime) expiry.textContent = relative(Date.parse(expiry.dateTime));
}

if (expiry) setInterval(count, 10000);

document.addEventListener("click", async (event) => {
  const retry = event.target.closest("[data-do=retry]");
  if (!retry) return;
  retry.disabled = true;
  const answer = await ask(retry.dataset.address, { method: "POST" });
  tell(answer.ok ? t("It is tried again.") : await problem(answer));
  if (answer.ok) retry.closest("tr").remove();
  else retry.disabled = false;
});

document.addEventListener("toggle", async (event) => {
  const part = event.target;
  const slot = part.open && part.dataset.kind === "raw" && part.querySelector(".slot");
  if (!slot || slot.childElementCount) return;
  const answer = await ask(part.dataset.part);
  const shown = Object.assign(document.createElement("pre"), { tabIndex: 0 }); // what scrolls has to be reached by keys
  shown.textContent = answer.ok ? raw(await answer.json()) : await problem(answer);
  slot.append(shown);
}, true);

function raw({ headers, body, body_base64: encoded, detail }) {
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`);
  return [...lines, "", body ?? (encoded ? `base64: ${encoded}` : detail ?? "")].join("\n");
}

const foresee = document.getElementById("foresee");
const replay = document.getElementById("replay");
const replayed = document.getElementById("replayed");

function wanted(dryRun) {
  const given = Object.fromEntries([...new FormData(foresee.form)].filter(([, value]) => value.trim()));
  return JSON.stringify({ ...(Object.keys(given).length ? given : { all: true }), dry_run: dryRun });
}

async function run(dryRun) {
  replayed.textContent = t("At work …");
  const answer = await ask("/v1/callbacks/replay", { method: "POST", headers: { "Content-Type": "application/json" }, body: wanted(dryRun) });
  if (!answer.ok) { replayed.textContent = await problem(answer); return; }
  const done = await answer.json();
  replayed.textContent = Object.entries(done).filter(([, value]) => typeof value === "number").map(([name, value]) => `${t("replay " + name)}: ${value.toLocaleString(LANGUAGE)}`).join(" · ");
  replay.hidden = !dryRun;
}

if (foresee) {
  foresee.hidden = false;
  foresee.addEventListener("click", () => run(true));
  replay.addEventListener("click", () => { replay.hidden = true; run(false); });
  foresee.form.addEventListener("input", () => { replay.hidden = true; replayed.textContent = ""; });
}
