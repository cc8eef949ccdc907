// A mirror of the content delivery networks that Jupyter Book's defaults load from, on this machine:
// the files come from npm's packages of the same versions, compressed as those networks do it.
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { extname, join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { generate } from "selfsigned";
import { minify } from "terser";

export const HOSTS = ["cdn.jsdelivr.net", "cdnjs.cloudflare.com", "unpkg.com"];
const PACKAGES = join(import.meta.dirname, "node_modules");
const TYPES = { ".js": "text/javascript", ".css": "text/css", ".woff": "font/woff", ".woff2": "font/woff2" };
// /npm/@scope/name@~1.2.*/path/file.js: the version is the one of package.json here.
const OF_NPM = /^(?:\/npm)?\/((?:@[^/@]+\/)?[^/@]+)(?:@[^/]+)?\/(.+)$/;
const REQUIRE = /^\/ajax\/libs\/require\.js\/2\.3\.4\/require\.min\.js$/;

async function fileOf(path) {
  if (REQUIRE.test(path)) {
    return (await minify(readFileSync(join(PACKAGES, "requirejs/require.js"), "utf-8"))).code;
  }
  const [, name, file] = path.match(OF_NPM) ?? [];
  return name && !file.includes("..") ? readFileSync(join(PACKAGES, name, file)) : null;
}

// Returns the port and a function that ends the server.
export async function mirror() {
  const pems = await generate([{ name: "commonName", value: HOSTS[0] }], { keySize: 2048 });
  const ready = new Map();
  const server = createSecureServer({ key: pems.private, cert: pems.cert, allowHTTP1: true });
  server.on("request", async (request, response) => {
    const { pathname } = new URL(request.url, `https://${HOSTS[0]}`);
    if (!ready.has(pathname)) ready.set(pathname, await answer(pathname));
    const { status, headers, body } = ready.get(pathname);
    response.writeHead(status, { ...headers, "access-control-allow-origin": "*" });
    response.end(body);
  });
  await new Promise((listening) => { server.listen(0, "127.0.0.1", listening); });
  return { port: server.address().port, close: () => server.close() };
}

async function answer(pathname) {
  let body;
  try {
    body = await fileOf(decodeURIComponent(pathname));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  if (!body) return { status: 404, headers: { "content-type": "text/plain" }, body: "not found" };
  const type = extname(pathname);
  const headers = { "content-type": TYPES[type] ?? "application/octet-stream" };
  if (![".js", ".css"].includes(type)) return { status: 200, headers, body };
  headers["content-encoding"] = "br";
  return { status: 200, headers, body: brotliCompressSync(body) };
}
