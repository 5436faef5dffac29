// The page's storage in the browser, for all its tabs. If it is unavailable or full, values last as long as the page.

const here = new Map();

/** The prefix keeps chat names, which anyone can put into a URL, apart from other keys. */
export const ofChat = (id) => `actorstream:${id}`;
export const TOKEN = "actorstream.token";
export const LAST = "actorstream.last";

function local() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}

export function get(name) {
  return here.get(name) ?? local()?.getItem(name) ?? null;
}

export function set(name, value) {
  try {
    local().setItem(name, value);
    here.delete(name);
  } catch {
    here.set(name, value);
  }
}

/** Returns a unique id. `crypto.randomUUID` exists only on pages of HTTPS or of this machine. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
