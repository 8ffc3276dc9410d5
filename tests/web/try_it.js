// Runs the script of the page without a page: sends its form, lets an answer come, and prints what is shown of it.
// Usage: node try_it.js SCRIPT ANSWER, with the answer as JSON: status, headers, body, type.

const { readFileSync } = require("node:fs");
const vm = require("node:vm");

const [script, given] = process.argv.slice(2);
const told = JSON.parse(given);

class Element {
  constructor() {
    this.children = [];
    this.classList = { add() {} };
    this.textContent = "";
  }
  addEventListener() {}
  scrollIntoView() {}
  append(...children) {
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  get said() {
    return this.textContent + this.children.map((child) => child.said ?? child).join("");
  }
}

const BLOCKS = 1000; // an end, so that who reads all of it is caught and not waited for
let blocks = 0;
let cancelled = false;
const body = new ReadableStream({
  pull(to) {
    to.enqueue(new TextEncoder().encode(blocks === 0 ? told.body : told.more ?? ""));
    blocks += 1;
    if (told.more === undefined || blocks === BLOCKS) to.close();
  },
  cancel() {
    cancelled = true;
  },
});

async function fetch(_asked, how) {
  const redirect = told.status === 307;
  if (redirect && how.redirect !== "manual") throw new TypeError("Failed to fetch"); // what is elsewhere is blocked
  if (redirect) return { type: "opaqueredirect", status: 0, statusText: "", headers: new Headers(), body: null };
  return new Response(body, { status: told.status, headers: told.headers });
}

const listeners = {};
const document = {
  documentElement: new Element(),
  querySelector: () => new Element(),
  getElementById: (id) => (id === "key" ? { value: "" } : new Element()),
  createElement: () => new Element(),
  addEventListener: (kind, listener) => (listeners[kind] = listener),
};
const page = {
  ...{ document, fetch, performance, URLSearchParams, URL, location: { hash: "" } },
  window: { matchMedia: () => ({ matches: false }) },
  addEventListener() {},
  HTMLDetailsElement: class {},
};
vm.runInNewContext(readFileSync(script, "utf-8"), page);

const [button, output] = [new Element(), new Element()];
const form = {
  elements: [],
  dataset: { path: "/v1/export" },
  querySelector: (name) => (name === "button" ? button : output),
};
listeners.submit({ target: { closest: () => form }, preventDefault() {} }).then(() => {
  console.log(JSON.stringify({ said: output.said, cancelled, blocks }));
});
