// Tries reads from the page of the API. The key is in its field and nowhere else; requests go to this origin only.

const root = document.documentElement;
root.classList.add("scripted");
const phone = window.matchMedia("(max-width: 56rem)");
const contents = document.querySelector("nav details");
if (phone.matches) contents.open = false;

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}
addEventListener("hashchange", reveal);
reveal();

// A link to where one is already is no change of the hash.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  if (!link) return;
  if (phone.matches && link.closest("nav")) contents.open = false;
  if (link.hash === location.hash) reveal();
});

document.getElementById("find").addEventListener("input", (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => words.every((word) => text.toLowerCase().includes(word));
  for (const item of document.querySelectorAll("nav li")) {
    const operation = document.getElementById(item.firstElementChild.hash.slice(1));
    item.hidden = !fits(operation.firstElementChild.textContent);
    operation.hidden = item.hidden;
  }
});

document.querySelector("header .key").addEventListener("submit", (event) => event.preventDefault());

function address(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const field of form.elements) {
    if (!field.name || !field.value) continue;
    if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    else query.append(field.name, field.value);
  }
  const asked = query.toString();
  return path.slice(1) + (asked ? `?${asked}` : "");
}

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

function block(text) {
  const made = element("pre");
  made.tabIndex = 0;
  made.append(element("code", text));
  return made;
}

// What is for a file may be as large as the archive.
async function unread(answer) {
  await answer.body?.cancel();
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
  return [
    element("p", "This is for a file, and is not loaded into the page; the command line takes it. Its headers:"),
    block(headers.join("\n")),
  ];
}

async function shown(answer) {
  if (answer.type === "opaqueredirect") {
    const said = "The store itself gives this, elsewhere, and the page asks nobody but this service: use curl with -L.";
    return [element("p", said)];
  }
  const type = (answer.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();
  const json = type === "application/json" || type.endsWith("+json");
  const attached = /^attachment\b/i.test(answer.headers.get("content-disposition") ?? "");
  if (!attached && type.startsWith("image/")) {
    const image = element("img");
    image.src = URL.createObjectURL(await answer.blob());
    image.alt = "what was answered";
    image.onload = () => URL.revokeObjectURL(image.src);
    return [image];
  }
  if (attached || !(json || type.startsWith("text/"))) return unread(answer);
  const text = await answer.text();
  return [block(json ? JSON.stringify(JSON.parse(text), null, 2) : text)];
}

async function send(form) {
  const key = document.getElementById("key").value.trim();
  const started = performance.now();
  const asked = address(form);
  const answer = await fetch(asked, {
    headers: key ? { Authorization: `Bearer ${key}` } : {},
    credentials: "omit",
    cache: "no-store",
    redirect: "manual",
  });
  const line = element("p");
  const redirected = answer.type === "opaqueredirect"; // which tells nothing else
  const status = element("span", redirected ? "Redirect" : `${answer.status} ${answer.statusText}`);
  status.className = `status s${redirected ? 3 : String(answer.status)[0]}`;
  line.append(status, ` in ${Math.round(performance.now() - started)} ms: `, element("code", `/${asked}`));
  return [line, ...(await shown(answer))];
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.try");
  if (!form) return;
  event.preventDefault();
  const [button, output] = [form.querySelector("button"), form.querySelector("output")];
  button.disabled = true;
  try {
    output.replaceChildren(...(await send(form)));
  } catch (error) {
    output.replaceChildren(element("p", `No answer: ${error.message}`));
  } finally {
    button.disabled = false;
  }
});
