// Two images: side by side or one over the other, whole or at full size, where both move together.

const stage = document.getElementById("stage");
const over = document.getElementById("over");
const whole = document.getElementById("whole");
const split = document.getElementById("split");
const slider = split.closest("label");
const divider = stage.querySelector(".divider");
const frames = [...stage.querySelectorAll(".frame")];
const [below, above] = frames;
const CLICK = 4; // pixels that a hand may tremble

let leader = below; // the frame that somebody moves; the other one follows

const imageOf = (frame) => frame.querySelector("img");

function divide() {
  const share = over.checked ? Number(split.value) : 0;
  above.style.clipPath = over.checked ? `inset(0 0 0 ${share}%)` : "";
  divider.style.left = `${share}%`;
  split.setAttribute("aria-valuetext", `${split.value} %`);
}

/** At full size an image has its own pixels; one that lies over another has the other's, so that they meet. */
function size() {
  for (const frame of frames) {
    const image = imageOf(frame);
    const like = over.checked ? imageOf(below) : image;
    Object.assign(image.style, whole.checked
      ? { width: `${like.getAttribute("width")}px`, height: `${like.getAttribute("height")}px` } : { width: "", height: "" });
    if (whole.checked) frame.tabIndex = 0; // so that arrow keys move it
    else frame.removeAttribute("tabindex");
  }
}

function arrange() {
  stage.classList.toggle("over", over.checked);
  stage.classList.toggle("whole", whole.checked);
  slider.hidden = !over.checked;
  size();
  divide();
  history.replaceState(null, "", over.checked ? "#over" : location.pathname + location.search);
}

/** Show the place in the middle of both; `x` and `y` are shares of an image. */
function middle({ x, y }) {
  for (const frame of frames) {
    frame.scrollLeft = x * frame.scrollWidth - frame.clientWidth / 2;
    frame.scrollTop = y * frame.scrollHeight - frame.clientHeight / 2;
  }
}

/** Which place of an image lies under the pointer. */
function placeOf(frame, event) {
  const image = imageOf(frame);
  const box = image.getBoundingClientRect();
  const [width, height] = [image.naturalWidth || 1, image.naturalHeight || 1];
  const scale = Math.min(box.width / width, box.height / height);
  const share = (at, begin, room, length) => Math.min(1, Math.max(0, (at - begin - (room - length * scale) / 2) / (length * scale)));
  return { x: share(event.clientX, box.left, box.width, width), y: share(event.clientY, box.top, box.height, height) };
}

function follow(frame) {
  if (frame !== leader) return;
  const other = frame === below ? above : below;
  const moved = (at, room, otherRoom) => (room > 0 ? (at / room) * otherRoom : 0);
  other.scrollLeft = moved(frame.scrollLeft, frame.scrollWidth - frame.clientWidth, other.scrollWidth - other.clientWidth);
  other.scrollTop = moved(frame.scrollTop, frame.scrollHeight - frame.clientHeight, other.scrollHeight - other.clientHeight);
}

/** Drag with a mouse to move, click to see one place at full size or the whole again; fingers scroll by themselves. */
function movable(frame) {
  let held = null;
  for (const kind of ["pointerdown", "wheel", "focusin", "keydown"]) {
    frame.addEventListener(kind, () => { leader = frame; }, { passive: true });
  }
  frame.addEventListener("scroll", () => follow(frame), { passive: true });
  frame.addEventListener("pointerdown", (event) => {
    if (event.button === 0) held = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop };
  });
  frame.addEventListener("pointermove", (event) => {
    if (!(event.buttons & 1)) held = null;
    if (!held || event.pointerType !== "mouse" || !whole.checked) return;
    frame.setPointerCapture(event.pointerId);
    frame.scrollTo(held.left + held.x - event.clientX, held.top + held.y - event.clientY);
  });
  frame.addEventListener("pointercancel", () => { held = null; });
  frame.addEventListener("click", (event) => {
    const dragged = held && Math.hypot(event.clientX - held.x, event.clientY - held.y) > CLICK;
    held = null;
    if (dragged) return;
    const place = placeOf(frame, event);
    whole.checked = !whole.checked;
    arrange();
    if (whole.checked) middle(place);
  });
}

if (over) {
  for (const one of document.querySelectorAll(".switch")) one.hidden = false;
  over.checked = location.hash === "#over";
  whole.checked = false;
  over.addEventListener("change", arrange);
  whole.addEventListener("change", () => { arrange(); if (whole.checked) middle({ x: 0.5, y: 0.5 }); });
  split.addEventListener("input", divide);
  frames.forEach(movable);
  stage.classList.add("movable");
  arrange();
}
