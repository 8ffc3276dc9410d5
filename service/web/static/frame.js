// What every page has: texts, times as the reader is used to, telling what happened, and writing with the session's token.

const TEXTS = JSON.parse(document.getElementById("texts")?.textContent || "{}");
const LANGUAGE = document.documentElement.lang;

/** A text in the page's language; `values` go into its braces, and `n` chooses between one and several. */
export function t(text, values = {}) {
  const [one, several] = (TEXTS[text] ?? text).split("|");
  const said = several !== undefined && values.n !== 1 ? several : one;
  return said.replace(/\{(\w+)\}/g, (whole, name) => name in values
    ? (typeof values[name] === "number" ? values[name].toLocaleString(LANGUAGE) : values[name]) : whole);
}

const told = document.getElementById("told");
let untold;

/** Say what happened, to eyes and to screen readers, for a while. */
export function tell(text) {
  told.textContent = text;
  clearTimeout(untold);
  untold = setTimeout(() => { told.textContent = ""; }, 6000);
}

/** Put a text where it can be pasted from. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    tell(t("Copied."));
  } catch {
    prompt(t("Copy this:"), text); // where the browser gives no clipboard, as over plain HTTP
  }
}

const LATE = 300; // milliseconds without an answer, after which the page shows that it waits
let awaited = 0;

/** Show that something is waited for, where it takes long. */
async function shown(work) {
  let counted = 0;
  const count = (step) => document.documentElement.classList.toggle("busy", (awaited += step) > 0);
  const late = setTimeout(() => { counted = 1; count(1); }, LATE);
  try {
    return await work;
  } finally {
    clearTimeout(late);
    count(-counted);
  }
}

/** Ask our own service; what changes anything carries the token. Who is not logged in any more is asked to be. Where
 * nobody answers, the answer has the status 0, and `problem` says so. */
export async function ask(address, given = {}) {
  const headers = new Headers(given.headers);
  if (given.method && given.method !== "GET") {
    headers.set("X-Write-Token", document.querySelector("meta[name=write-token]")?.content ?? "");
  }
  const answer = await shown(fetch(address, { ...given, headers })).catch((error) => {
    if (error.name === "AbortError") throw error;
    return Response.error();
  });
  if (answer.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  return answer;
}

/** What an answer says went wrong. */
export async function problem(answer) {
  if (!answer.status) return t("The service cannot be reached.");
  try {
    return (await answer.json()).detail;
  } catch {
    return t("The service answered {status}.", { status: String(answer.status) });
  }
}

const DAY = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeZone: "UTC" }); // a day is one everywhere
const FAR = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" });

/** A time from now on, in words. */
export function relative(at, now = Date.now()) {
  const seconds = (at - now) / 1000;
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return FAR.format(Math.trunc(seconds / length), unit);
  }
  return FAR.format(Math.trunc(seconds), "second");
}

/** Show what a part of the page holds as its reader is used to it. */
export function settle(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.title = time.dateTime;
    time.textContent = "relative" in time.dataset ? relative(at) : (time.dateTime.includes("T") ? DAY : DATE).format(at);
  }
  for (const one of part.querySelectorAll("[data-colour]")) {
    if (one.matches(".colours span")) one.style.borderLeftColor = one.dataset.colour;
    else one.style.backgroundColor = one.dataset.colour;
  }
  for (const one of part.querySelectorAll("button[data-do][hidden]")) one.hidden = false;
}

const top = document.querySelector(".top");
new ResizeObserver(() => { // the head is higher where it wraps, and nothing is to lie under it
  if (getComputedStyle(top).position === "sticky") document.documentElement.style.setProperty("--top", `${top.offsetHeight}px`);
  else document.documentElement.style.removeProperty("--top");
}).observe(top);
document.documentElement.classList.add("scripted");
settle(document);
