// Requests to the relay. If it requires a token, the page asks for it once.

import * as storage from "./storage.js";

const api = new URL("api/chat", document.baseURI).pathname;

/** An error from the relay that a retry does not change. */
export class Refusal extends Error {}

/** Asks for a token, with the reason, and returns it. */
let askForToken = async () => {
  throw new Refusal("The server wants a token.");
};
export function onToken(ask) {
  askForToken = ask;
}

/** The time in ms after which an unanswered request is aborted. */
const HEAD = 40_000;
const STOP = 5_000;

/** The open dialog, for which all requests wait. */
let question = null;

/** Fetches; the time limit applies to the head of the response. */
async function headOf(path, init, time) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), time);
  try {
    return await fetch(path, { ...init, signal: AbortSignal.any([init.signal, late.signal]), cache: "no-store" });
  } finally {
    clearTimeout(timer);
  }
}

async function authorized(path, init, time = HEAD) {
  for (;;) {
    const token = storage.get(storage.TOKEN);
    const headers = { ...init.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const answer = await headOf(path, { ...init, headers }, time);
    const wantsToken = answer.status === 401 && /^\s*bearer\b/i.test(answer.headers.get("www-authenticate") ?? "");
    if (!wantsToken) return answer;
    await answer.body?.cancel();
    // Another request, or another tab, may have stored a new token meanwhile.
    if (storage.get(storage.TOKEN) !== token) continue;
    question ??= askForToken(token ? "The server does not take this token." : "").finally(() => (question = null));
    await Promise.race([question, aborted(init.signal)]);
  }
}

const aborted = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));

const path = (chat, rest) => `${api}/${encodeURIComponent(chat)}/${rest}`;

/** Starts the response to the last message. */
export function begin(chat, messages, trigger, signal) {
  const body = JSON.stringify({ id: chat, messages, trigger });
  return authorized(api, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
}

/** Requests the running response, after an event of it or from its beginning. */
export function resume(chat, after, signal) {
  return authorized(path(chat, `stream${after ? `?after=${encodeURIComponent(after)}` : ""}`), { signal });
}

/** Stops the running response. */
export async function stop(chat, signal) {
  const answer = await authorized(path(chat, "stop"), { method: "POST", signal }, STOP);
  if (!answer.ok) throw await failure(answer);
}

/** Converts a status outside 2xx: a refusal by the relay, or its absence. */
export async function failure(answer) {
  const text = await answer.text().catch(() => "");
  let said;
  try {
    const { error } = JSON.parse(text);
    said = error?.message ?? (typeof error === "string" ? error : undefined);
  } catch {
    // The body is not the relay's.
  }
  if (said) return new Refusal(said);
  // A proxy responds while the relay is unavailable.
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return new Error(`status ${answer.status}`);
  return new Refusal(text.trim().slice(0, 300) || `The server answered ${answer.status}.`);
}
