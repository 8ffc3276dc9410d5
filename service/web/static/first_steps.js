// The first steps: makes a callback URL, puts it into commands to copy, and says when something arrives.

import { ask, copy, problem, t, tell } from "./frame.js";
import { watch } from "./live.js";

const make = document.getElementById("make");
const made = document.getElementById("made");
const arrived = document.getElementById("arrived");
const commands = [...document.querySelectorAll(".steps pre code")].map((element) => ({ element, text: element.textContent }));

/** As it stands between single quotes of a shell, in a JSON string. */
function quoted(text) {
  return JSON.stringify(text).slice(1, -1).replaceAll("'", "'\\''");
}

function fill({ id, callback_url: url }) {
  for (const { element, text } of commands) {
    element.textContent = text.replaceAll("CALLBACK_URL", () => quoted(url)).replaceAll("-TASK", () => `-${id}`);
  }
  made.firstElementChild.textContent = url;
  made.hidden = false;
  document.getElementById("by-hand").hidden = true;
  for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;
}

async function mint() {
  make.disabled = true;
  try {
    const answer = await ask("/v1/callback-urls", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ref: "first-steps" }),
    });
    if (answer.ok) fill(await answer.json());
    else tell(await problem(answer));
  } catch {
    tell(t("The service cannot be reached."));
  } finally {
    make.disabled = false;
  }
}

if (make) {
  make.hidden = false;
  make.addEventListener("click", mint);
}
for (const button of document.querySelectorAll("[data-copies]")) {
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copies).textContent));
}

/** Say it once for each that is more. */
function say(text, link, address) {
  if (arrived.dataset.said === address) return;
  arrived.dataset.said = address;
  arrived.replaceChildren(`${text} `, Object.assign(document.createElement("a"), { href: address, textContent: link }));
}

watch(({ archived, tasks }) => {
  if (archived) say(t("The first image is here."), t("Look at it"), "/");
  else if (tasks) say(t("Something has arrived."), t("See what it is"), "/ops#inbox");
});
