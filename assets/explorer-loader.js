// Plays the explorers of a built page: each widget view that the book embeds becomes a live figure.
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

async function play([script, { model_id: id }]) {
  const el = script.closest(".gd-slot");
  if (!("DecompressionStream" in window)) {
    el.append("This browser is too old for the figure with sliders that stands here (before 2023).");
    return;
  }
  explorer.render({ model: await modelOf(states[id]), el });
  el.classList.add("gd-live");
}

const states = Object.assign({}, ...jsonOf("widget-state").map(([, { state }]) => state));
jsonOf("widget-view").forEach(play);
