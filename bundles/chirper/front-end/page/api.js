// Calls to the services. Every answer says which instance gave it; whoever wants to know listens.

export const seen = new Map();
const watchers = new Set();

export function onSeen(watcher) {
  watchers.add(watcher);
}

// "friend 1.0.0 127.0.10.2:10121"
export function note(served) {
  const [service, version, address] = (served ?? "").split(" ");
  if (!address) return;
  seen.set(service, { version, address });
  for (const watcher of watchers) watcher();
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const TRIES = 4;
const PAUSE_MS = 300;

// Asks, and asks again where asking twice does no harm: instances come and go while a page is open.
async function call(path, options = {}) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(path, options);
      note(answer.headers.get("x-served-by"));
      if (answer.ok) return await answer.json();
      if (answer.status < 500) throw new Refused(answer.status, await said(answer));
      if (attempt === TRIES) throw new Refused(answer.status, "The service does not answer right now.");
    } catch (error) {
      if (error instanceof Refused) throw error;
      if (attempt === TRIES) throw new Refused(0, "There is no connection.");
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS * attempt));
  }
}

async function said(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error;
  } catch {
    return text || `The service answered ${answer.status}.`;
  }
}

const post = (path, body) =>
  call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

export const users = () => call("/api/users?limit=200");
export const user = (id) => call(`/api/users/${encodeURIComponent(id)}`);
export const signUp = (id, name) => post("/api/users", { id, name });
export const follow = (id, friend, follows) =>
  call(`/api/users/${encodeURIComponent(id)}/friends/${encodeURIComponent(friend)}`, {
    method: follows ? "PUT" : "DELETE",
  });

// Asks for nothing but who serves the page.
export async function greet() {
  const answer = await fetch("/", { method: "HEAD", cache: "no-store" }).catch(() => null);
  note(answer?.headers.get("x-served-by"));
}

// The key makes a chirp that is sent again the same one.
export const chirp = (id, text) => post("/api/chirps", { user: id, text, key: key() });

export async function activity(id, before) {
  const page = before ? `&before=${encodeURIComponent(before)}` : "";
  const found = await call(`/api/activity/${encodeURIComponent(id)}?limit=30${page}`);
  for (const served of found.asked) note(served);
  return found;
}

function key() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
