// One Chromium with a page for each participant, driven by JSON lines: requests on stdin, replies and events on stdout.
//
//   node browser.mjs NPM_FOLDER CHROMIUM [MORE_CHROMIUM_FLAGS...]
//
//   -> {"id", "do": "open", "page": NEW_PAGE_ID, "devices"}   <- {"id", "result": null}
//   -> {"id", "do": "call", "page", "method", "args": [...]}  <- {"id", "result"} or {"id", "error": {code, name, message}}
//   -> {"id", "do": "evaluate", "page", "expression"}         <- the same
//   -> {"id", "do": "close", "page"}                          <- {"id", "result": null}
//   <- {"page", "event": {at, source, name, subject, args}}
//   <- {"page", "console": {at, level, text}}                 what the page wrote to its console
//   <- {"page", "fault": TEXT}                                an exception nobody caught, or a crash
//
// End of stdin closes the browser.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [npmFolder, executablePath, ...moreFlags] = process.argv.slice(2);
const { chromium } = createRequire(join(npmFolder, "package.json"))("playwright-core");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--autoplay-policy=no-user-gesture-required",
];

const FILES = {
  "/": ["text/html", join(import.meta.dirname, "page.html")],
  "/page.js": ["text/javascript", join(import.meta.dirname, "page.js")],
  "/twilio-video.js": ["text/javascript", join(npmFolder, "node_modules/twilio-video/dist/twilio-video.js")],
};

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

async function serveFiles() {
  const server = createServer(async (request, response) => {
    const [type, path] = FILES[request.url] ?? [];
    if (path === undefined) {
      response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
      return;
    }
    response.writeHead(200, { "content-type": type }).end(await readFile(path));
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://localhost:${server.address().port}` };
}

const { server, origin } = await serveFiles();
const browser = await chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...moreFlags] });
const pages = new Map();

// Without leave to use its devices a page hides its addresses behind mDNS names, as a watcher's browser does.
// (--use-fake-ui-for-media-stream would give leave to every page.)
async function open({ page: id, devices }) {
  const context = await browser.newContext({ permissions: devices ? ["camera", "microphone"] : [] });
  const page = await context.newPage();
  await page.exposeBinding("report", (_source, event) => say({ page: id, event }));
  page.on("console", (message) =>
    say({ page: id, console: { at: message.timestamp(), level: message.type(), text: message.text() } }),
  );
  page.on("pageerror", (error) => say({ page: id, fault: String(error.stack ?? error) }));
  page.on("crash", () => say({ page: id, fault: "the page crashed" }));
  await page.goto(origin);
  pages.set(id, page);
}

async function close({ page: id }) {
  const page = pages.get(id);
  pages.delete(id);
  await page.context().close();
}

const ACTIONS = {
  open,
  close,
  call: ({ page, method, args }) =>
    pages.get(page).evaluate(([name, values]) => window.participant.call(name, values), [method, args]),
  evaluate: ({ page, expression }) =>
    pages.get(page).evaluate((text) => window.participant.evaluate(text), expression),
};

async function answer(request) {
  try {
    const { result, error } = (await ACTIONS[request.do](request)) ?? {};
    say(error ? { id: request.id, error } : { id: request.id, result: result ?? null });
  } catch (error) {
    say({ id: request.id, error: { code: null, name: error.name, message: error.message } });
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => void answer(JSON.parse(line)))
  .on("close", async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
    process.exit(0);
  });
say({ ready: { chromium: browser.version(), origin } });
