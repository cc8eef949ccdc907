// Draws an explorer (see explore.py): SVG panels, sliders under them, a sentence under the sliders.
// Everything shown was computed beforehand; this file only looks it up. No imports, no network.

// The palette of gdutils.plots, and lighter shades of the same hues for dark pages.
const LIGHT = { descent: "#0072B2", newton: "#D55E00", noise: "#009E73", momentum: "#CC79A7", reference: "#767676" };
const DARK = { descent: "#4DA9E0", newton: "#F08A45", noise: "#33C79D", momentum: "#DD9BBF", reference: "#A0A0A0" };
const variables = (colours) => Object.entries(colours).map(([role, c]) => `--gd-${role}: ${c};`).join(" ");
const colour = (role) => (role === "ink" ? "currentColor" : `var(--gd-${role})`);

// The host's own colours where it has any, the system's otherwise.
const CSS = `
.gd-explorer { ${variables(LIGHT)} }
:is([data-theme="dark"], [data-jp-theme-light="false"], .vscode-dark) .gd-explorer { ${variables(DARK)} }
.gd-explorer { --gd-paper: var(--pst-color-background, var(--jp-layout-color0,
    var(--vscode-editor-background, Canvas)));
  box-sizing: border-box; margin: 0; padding: 0.5rem 0; font: 15px/1.45 system-ui, sans-serif;
  color: var(--pst-color-text-base, var(--jp-content-font-color1, var(--vscode-foreground, inherit)));
  max-width: 46rem; }
.gd-explorer .gd-panels { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; }
.gd-explorer svg { display: block; flex: none; overflow: visible; background: none; }
.gd-explorer svg text { font: 13px system-ui, sans-serif; fill: currentColor; }
.gd-explorer svg .gd-label { font-weight: 600; stroke: var(--gd-paper); stroke-width: 4px;
  stroke-linejoin: round; paint-order: stroke;
  fill: color-mix(in srgb, var(--gd-colour) 62%, currentColor); }
.gd-explorer svg .gd-grid { stroke: currentColor; stroke-opacity: 0.13; }
.gd-explorer svg .gd-axis { stroke: currentColor; stroke-opacity: 0.55; }
.gd-explorer .gd-controls { display: grid; grid-template-columns: auto 1fr minmax(4.5em, auto);
  align-items: center; gap: 0.15rem 0.75rem; margin-top: 0.6rem; }
.gd-explorer .gd-control { display: contents; }
.gd-explorer input[type="range"] { width: 100%; min-width: 0; height: 1.75rem; margin: 0;
  accent-color: var(--gd-descent); touch-action: pan-y; cursor: pointer; }
.gd-explorer select, .gd-explorer button { font: inherit; color: inherit; background: var(--gd-paper);
  border: 1px solid #767676; border-radius: 4px; padding: 0.15rem 0.6rem; cursor: pointer; }
.gd-explorer select { grid-column: 2 / 4; justify-self: start; max-width: 100%; }
.gd-explorer button { grid-column: 1 / 4; justify-self: start; min-width: 5em; }
.gd-explorer :is(input, select, button):focus-visible { outline: 2px solid var(--gd-descent); outline-offset: 2px; }
.gd-explorer output { font-variant-numeric: tabular-nums; text-align: right; }
.gd-explorer .gd-sentence { margin: 0.4rem 0 0; min-height: 2.9em; color: inherit; }
@media (max-width: 480px) {
  .gd-explorer .gd-controls { display: block; }
  .gd-explorer .gd-control { display: grid; grid-template: "label output" auto "input input" auto / 1fr auto; }
  .gd-explorer .gd-control output { grid-area: output; }
  .gd-explorer .gd-control input, .gd-explorer .gd-control select { grid-area: input; }
}
@media print { .gd-explorer .gd-controls { display: none; } }
`;

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

function power(exponent) {
  if (exponent === 0) return "1";
  if (exponent === 1) return "10";
  const digits = [...String(Math.abs(exponent))].map((d) => SUPERSCRIPTS[d]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

function linearTicks(low, high, pixels, spacing) {
  const rough = (high - low) / Math.max(2, pixels / spacing);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) {
    const large = Math.abs(k * step) >= 1e5;
    const text = large ? (k * step).toExponential(0).replace("e+", "e") : (k * step).toFixed(digits);
    ticks.push({ at: k * step, text: (k === 0 ? (0).toFixed(digits) : text).replace("-", "−") });
  }
  return ticks;
}

function logTicks(low, high, pixels, spacing) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, pixels / spacing)));
  const ticks = [];
  for (let e = first; e <= last; e += every) ticks.push({ at: 10 ** e, text: power(e) });
  if (ticks.length >= 2) return ticks;
  // Less than two decades: powers of ten alone would leave the axis without numbers.
  const more = [];
  for (let e = first - 1; e <= last; e += 1) {
    for (const m of [1, 2, 5]) {
      const at = m * 10 ** e;
      if (at >= low * 0.999 && at <= high * 1.001) more.push({ at, text: String(Number(at.toPrecision(2))) });
    }
  }
  return more;
}

// A scale from values to pixels. What lies beyond the panel is kept within a few
// panels of it, so that a diverging curve leaves in the right direction.
function scale(kind, [low, high], from, to) {
  const f = kind === "log" ? (v) => Math.log10(Math.max(v, 1e-300)) : (v) => v;
  const [a, b] = [f(low), f(high)];
  return (value) => from + clamp((f(value) - a) / (b - a), -4, 5) * (to - from);
}

function layout(panel, width) {
  const left = 56, right = 16, top = 30, bottom = 44;
  const inner = width - left - right;
  let height = clamp(inner * 0.62, 170, 300);
  const [x0, x1] = panel.xlim, [y0, y1] = panel.ylim;
  if (panel.equal) height = clamp((inner * (y1 - y0)) / (x1 - x0), 100, 420);
  return { width, height: height + top + bottom, left, top,
           right: width - right, bottom: height + top };
}

function axes(panel, box) {
  const x = scale(panel.xscale, panel.xlim, box.left, box.right);
  const y = scale(panel.yscale, panel.ylim, box.bottom, box.top);
  const ticks = { linear: linearTicks, log: logTicks };
  const parts = [];
  const named = panel.xticks.map(([at, text]) => ({ at, text: escape(text) }));
  const across = named.length ? named : ticks[panel.xscale](...panel.xlim, box.right - box.left, 64);
  for (const t of across) {
    const at = x(t.at).toFixed(1);
    if (!named.length) parts.push(`<line class="gd-grid" x1="${at}" x2="${at}" y1="${box.top}" y2="${box.bottom}"/>`);
    parts.push(`<text x="${at}" y="${box.bottom + 17}" text-anchor="middle">${t.text}</text>`);
  }
  for (const t of ticks[panel.yscale](...panel.ylim, box.bottom - box.top, 36)) {
    const at = y(t.at).toFixed(1);
    parts.push(`<line class="gd-grid" x1="${box.left}" x2="${box.right}" y1="${at}" y2="${at}"/>`,
      `<text x="${box.left - 7}" y="${Number(at) + 4}" text-anchor="end">${t.text}</text>`);
  }
  parts.push(`<line class="gd-axis" x1="${box.left}" x2="${box.right}" y1="${box.bottom}" y2="${box.bottom}"/>`);
  // The name of the vertical axis stands above it: upright text is read faster, on a phone above all.
  parts.push(`<text x="0" y="14">${escape(panel.ylabel)}</text>`,
    `<text x="${(box.left + box.right) / 2}" y="${box.height - 6}" text-anchor="middle">${escape(panel.xlabel)}</text>`);
  return { x, y, svg: parts.join("") };
}

function path(xs, ys) {
  let d = "", pen = false;
  for (let i = 0; i < xs.length; i += 1) {
    if (Number.isNaN(xs[i])) { pen = false; continue; }
    d += `${pen ? "L" : "M"}${xs[i].toFixed(1)} ${ys[i].toFixed(1)}`;
    pen = true;
  }
  return d;
}

function marks(curve, xs, ys, box) {
  const r = xs.length === 1 ? 5.5 : 3;
  let out = "";
  for (let i = 0; i < xs.length; i += 1) {
    const inside = xs[i] >= box.left - 1 && xs[i] <= box.right + 1 && ys[i] >= box.top - 1 && ys[i] <= box.bottom + 1;
    if (inside) out += `<circle cx="${xs[i].toFixed(1)}" cy="${ys[i].toFixed(1)}" r="${r}"/>`;
  }
  return `<g style="fill:${colour(curve.role)}">${out}</g>`;
}

function bars(curve, xs, ys, base) {
  let gap = Infinity;
  for (let i = 1; i < xs.length; i += 1) gap = Math.min(gap, Math.abs(xs[i] - xs[i - 1]));
  const wide = clamp(0.8 * gap, 2, 48);
  return xs.reduce((out, x, i) => `${out}<rect x="${(x - wide / 2).toFixed(1)}" width="${wide.toFixed(1)}" ` +
    `y="${Math.min(ys[i], base).toFixed(1)}" height="${Math.abs(base - ys[i]).toFixed(1)}" ` +
    `style="fill:${colour(curve.role)}" fill-opacity="0.75"/>`, "");
}

// The name of a curve stands at its last visible point; names that would touch are pushed apart.
function labels(found, box) {
  found.sort((a, b) => a.y - b.y);
  const placed = [];
  for (const one of found) {
    const width = one.name.length * 7.2;
    const toLeft = one.x + width + 8 > box.right;
    const x0 = toLeft ? Math.max(one.x - width - 6, box.left) : one.x + 6;
    let y = clamp(one.y - 7, box.top + 11, box.bottom - 6);
    for (const other of placed) {
      if (x0 < other.x1 && other.x0 < x0 + width && y - other.y < 16) y = Math.max(y, other.y + 16);
    }
    placed.push({ ...one, x0, x1: x0 + width, y });
  }
  return placed.map((p) => `<text class="gd-label" x="${p.x0.toFixed(1)}" y="${p.y.toFixed(1)}" ` +
    `style="--gd-colour:${colour(p.role)}">${escape(p.name)}</text>`).join("");
}

function lastVisible(xs, ys, box) {
  for (let i = xs.length - 1; i >= 0; i -= 1) {
    // Two pixels of grace: a reference line that ends on the frame is still to be named.
    const inside = xs[i] >= box.left - 2 && xs[i] <= box.right + 2 && ys[i] >= box.top - 2 && ys[i] <= box.bottom + 2;
    if (inside) return i;
  }
  return -1;
}

function drawCurves(panel, frame, first, arrays, box, x, y) {
  const found = [];
  const drawn = panel.curves.map((curve, i) => {
    const [a, b] = [frame[first + 2 * i], frame[first + 2 * i + 1]];
    if (a < 0) return "";
    const xs = Array.from(arrays[a], x), ys = Array.from(arrays[b], y);
    const end = lastVisible(xs, ys, box);
    if (curve.labelled && end >= 0) found.push({ name: curve.name, role: curve.role, x: xs[end], y: ys[end] });
    if (curve.kind === "bars") {
      return bars(curve, xs, ys, panel.yscale === "log" ? box.bottom : clamp(y(0), box.top, box.bottom));
    }
    const line = curve.kind === "points" ? "" : `<path d="${path(xs, ys)}" fill="none" ` +
      `style="stroke:${colour(curve.role)}" stroke-width="${curve.thin ? 1 : 2.25}" stroke-linejoin="round"` +
      `${curve.dashed ? ' stroke-dasharray="6 5"' : ""}/>`;
    return line + (curve.kind === "line" ? "" : marks(curve, xs, ys, box));
  });
  return { curves: drawn.join(""), labels: labels(found, box) };
}

function readArrays(view, lengths) {
  let at = 0;
  return lengths.map((length) => {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i += 1, at += 4) values[i] = view.getFloat32(at, true);
    return values;
  });
}

const frameOf = (spec, position) => spec.controls.reduce((n, c, i) => n * c.labels.length + position[i], 0);

// What each panel shows at a position of the sliders, as the inside of an SVG element: text in, text
// out, so that the book's build draws the same figure for paper. `number` keeps the ids of a page apart.
function drawPanels(spec, arrays, position, width, number) {
  const index = frameOf(spec, position);
  const columns = width >= 560 ? Math.min(spec.panels.length, 2) : 1;
  let first = 0;
  return spec.panels.map((panel, i) => {
    const box = layout(panel, Math.floor((width - 20 * (columns - 1)) / columns));
    const { x, y, svg } = axes(panel, box);
    const { curves, labels: names } = drawCurves(panel, spec.frames[index], first, arrays, box, x, y);
    first += 2 * panel.curves.length;
    const clip = `gd-clip-${number}-${i}`;
    const frame = `<clipPath id="${clip}"><rect x="${box.left}" y="${box.top - 3}" ` +
      `width="${box.right - box.left}" height="${box.bottom - box.top + 6}"/></clipPath>`;
    const label = `${spec.title}: ${panel.ylabel} against ${panel.xlabel}. ${spec.sentences[index]}`;
    return { box, label, svg: `${frame}${svg}<g clip-path="url(#${clip})">${curves}</g>${names}` };
  });
}

let counter = 0;

function buildControls(spec, root, position, changed) {
  const box = document.createElement("div");
  box.className = "gd-controls";
  const inputs = spec.controls.map((control, i) => {
    const id = `gd-${(counter += 1)}`;
    const label = document.createElement("label");
    label.htmlFor = id;
    label.textContent = control.label;
    const input = document.createElement(control.kind === "choice" ? "select" : "input");
    input.id = id;
    const output = document.createElement("output");
    output.htmlFor = id;
    const row = document.createElement("div");
    row.className = "gd-control";
    row.append(label, input);
    box.append(row);
    if (control.kind === "choice") {
      input.append(...control.labels.map((text, k) => new Option(text, k)));
    } else {
      Object.assign(input, { type: "range", min: 0, max: control.labels.length - 1, step: 1 });
      row.append(output);
    }
    const show = () => {
      input.value = position[i];
      output.textContent = control.labels[position[i]];
      if (control.kind === "range") input.setAttribute("aria-valuetext", control.labels[position[i]]);
    };
    input.addEventListener("input", () => { position[i] = Number(input.value); show(); changed(); });
    show();
    return { input, show };
  });
  root.append(box);
  return { box, inputs };
}

function addPlayButton(spec, controls, position, changed) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Play";
  let timer = null;
  const last = spec.controls[spec.play].labels.length - 1;
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
  const step = () => {
    if (position[spec.play] >= last) { stop(); return; }
    position[spec.play] += 1;
    controls.inputs[spec.play].show();
    changed();
  };
  button.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (position[spec.play] >= last) { position[spec.play] = -1; }
    // Who asked for less motion sees single steps, one every second, not a film.
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    button.textContent = "Pause";
    timer = setInterval(step, calm ? 1000 : clamp(6000 / last, 60, 400));
    step();
  });
  controls.box.append(button);
  return stop;
}

function render({ model, el }) {
  const spec = model.get("spec");
  const arrays = readArrays(model.get("data"), spec.lengths);
  const position = spec.controls.map((c) => c.start);
  const root = document.createElement("div");
  root.className = "gd-explorer";
  const style = document.createElement("style");
  style.textContent = CSS;
  const panels = document.createElement("div");
  panels.className = "gd-panels";
  root.append(style, panels);
  el.append(root);

  const drawings = spec.panels.map(() => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("role", "img");
    panels.append(svg);
    return svg;
  });
  const sentence = document.createElement("p");
  sentence.className = "gd-sentence";
  sentence.setAttribute("aria-live", "polite");

  let width = 0;
  const draw = () => {
    if (!width) return;
    const drawn = drawPanels(spec, arrays, position, width, root.dataset.number);
    drawn.forEach(({ box, svg, label }, i) => {
      drawings[i].setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
      drawings[i].setAttribute("width", box.width);
      drawings[i].setAttribute("height", box.height);
      drawings[i].setAttribute("aria-label", label);
      drawings[i].innerHTML = svg;
    });
    sentence.textContent = spec.sentences[frameOf(spec, position)];
  };
  root.dataset.number = counter += 1;
  const controls = buildControls(spec, root, position, draw);
  const stop = spec.play === null ? () => {} : addPlayButton(spec, controls, position, draw);
  root.append(sentence);

  const resized = () => {
    const now = Math.min(root.clientWidth, 736);
    if (now && now !== width) { width = now; draw(); }
  };
  const observer = new ResizeObserver(resized);
  observer.observe(root);
  resized();
  return () => { stop(); observer.disconnect(); };
}

export default { render, readArrays, drawPanels, palette: LIGHT };
