// What the page keeps in the browser, for all its tabs. Where that is not to be had, or full, it lasts as long as the page.

const here = new Map();

/** The names of chats are in addresses, which anybody can write: no chat is in the place of something else. */
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

/** An id that nobody else has. `crypto.randomUUID` is there for pages of HTTPS and of this machine alone. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
