// Plays the explorers of a built page: each widget view that the book embeds becomes a live figure
// when it comes near, so that the page is there before its figures move.
// Appended to gdutils/explore.js at build time, where `explorer` is that module's default export.

// Undoes `packed` of sphinx_downhill/packing.py: inflate, put each number's four bytes together, add up.
async function numbersOf({ encoding, data }) {
  const packed = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const count = planes.length / 4;
  const view = new DataView(new ArrayBuffer(planes.length));
  let sum = 0;
  for (let i = 0; i < count; i += 1) {
    const value = planes[i] + planes[count + i] * 2 ** 8 + planes[2 * count + i] * 2 ** 16 +
      planes[3 * count + i] * 2 ** 24;
    sum = encoding === "differences" ? (sum + value) % 2 ** 32 : value;
    view.setUint32(4 * i, sum, true);
  }
  return view;
}

// The part of a Jupyter widget model that explorers use; there is no kernel to answer.
async function modelOf({ state, buffers = [] }) {
  const values = { ...state };
  for (const buffer of buffers) values[buffer.path[0]] = await numbersOf(buffer);
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    on() {}, off() {}, save_changes() {},
  };
}

const jsonOf = (type) => Array.from(
  document.querySelectorAll(`script[type="application/vnd.jupyter.${type}+json"]`),
  (script) => [script, JSON.parse(script.textContent)],
);

async function play(slot, id) {
  if (!("DecompressionStream" in window)) {
    slot.append("This browser is too old for the figure with sliders that stands here (before 2023).");
    return;
  }
  explorer.render({ model: await modelOf(states()[id]), el: slot });
  slot.classList.add("gd-live");
}

// Parsed when the first explorer comes near, not while the page is being laid out.
let parsed = null;
const states = () => (parsed ??= Object.assign({}, ...jsonOf("widget-state").map(([, { state }]) => state)));

const waiting = new Map(jsonOf("widget-view").map(([script, { model_id: id }]) => [script.closest(".gd-slot"), id]));
const begin = (slot) => {
  const id = waiting.get(slot);
  near.unobserve(slot);
  waiting.delete(slot);
  if (id) play(slot, id);
};
const near = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => begin(entry.target)),
  { rootMargin: "800px" },
);
for (const slot of waiting.keys()) near.observe(slot);
// Who prints the page, or searches it, finds all of them: the rest follow when there is nothing else to do.
const idle = window.requestIdleCallback ?? ((task) => setTimeout(task, 200));
const beginNext = () => {
  const [slot] = waiting.keys();
  if (slot) { begin(slot); idle(beginNext); }
};
setTimeout(() => idle(beginNext), 10_000);
addEventListener("beforeprint", () => [...waiting.keys()].forEach(begin));
