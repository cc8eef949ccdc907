// Plays the explorers of a built page: each widget view that the book embeds becomes a live figure.
// Appended to gdutils/explore.js at build time, where `explorer` is that module's default export.

// The part of a Jupyter widget model that explorers use; there is no kernel to answer.
const modelOf = ({ state, buffers = [] }) => {
  const values = { ...state };
  for (const { path, data } of buffers) {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    values[path[0]] = new DataView(bytes.buffer);
  }
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    on() {}, off() {}, save_changes() {},
  };
};

const jsonOf = (type) => Array.from(
  document.querySelectorAll(`script[type="application/vnd.jupyter.${type}+json"]`),
  (script) => [script, JSON.parse(script.textContent)],
);

const states = Object.assign({}, ...jsonOf("widget-state").map(([, { state }]) => state));
for (const [script, { model_id: id }] of jsonOf("widget-view")) {
  const el = script.closest(".gd-slot");
  explorer.render({ model: modelOf(states[id]), el });
  el.classList.add("gd-live");
}
