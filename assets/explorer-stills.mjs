// Draws explorers for paper: the figures at the sliders' first positions, by the module that draws them
// on the page. Usage: node explorer-stills.mjs gdutils/explore.js < explorers.json > drawings.json
import { readFileSync } from "node:fs";

const source = readFileSync(process.argv[2], "utf-8");
// As a data address it is a module, whatever the folder's package.json says of .js files.
const { default: explorer } = await import(`data:text/javascript,${encodeURIComponent(source)}`);

const WIDTH = 640;
const INK = "#1c2328", PAPER = "#ffffff";
const LABEL_SHARE = 0.62; // of the curve's colour, the rest is ink: as .gd-label of the module has it

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mixed = (hex) => `rgb(${channels(hex).map((c, i) =>
  Math.round(LABEL_SHARE * c + (1 - LABEL_SHARE) * channels(INK)[i])).join(",")})`;
const colourOf = (text) => text.replace(/var\(--gd-(\w+)\)/g, (_, role) => explorer.palette[role]);

const STYLE = `text { font: 13px "DejaVu Sans", system-ui, sans-serif; fill: ${INK}; }
  .gd-label { font-weight: 700; stroke: ${PAPER}; stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }
  .gd-grid { stroke: ${INK}; stroke-opacity: 0.13; } .gd-axis { stroke: ${INK}; stroke-opacity: 0.55; }`;

// A sheet of paper has no style variables and no page around it: colours are written out.
function still({ box, svg }) {
  const inside = colourOf(svg)
    .replace(/style="--gd-colour:(#\w+)"/g, (_, hex) => `style="fill:${mixed(hex)}"`)
    .replace(/currentColor/g, INK);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${box.width}" height="${box.height}" ` +
    `viewBox="0 0 ${box.width} ${box.height}"><style>${STYLE}</style>${inside}</svg>`;
}

const explorers = JSON.parse(readFileSync(0, "utf-8"));
const drawings = explorers.map(({ spec, data }) => {
  const bytes = Uint8Array.from(Buffer.from(data, "base64"));
  const arrays = explorer.readArrays(new DataView(bytes.buffer), spec.lengths);
  const position = spec.controls.map((control) => control.start);
  const drawn = explorer.drawPanels(spec, arrays, position, WIDTH, 0);
  return drawn.map((panel) => ({ width: panel.box.width, label: panel.label, svg: still(panel) }));
});
process.stdout.write(JSON.stringify(drawings));
