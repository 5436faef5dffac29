// The chat page. The chat's messages are in the browser's storage, which all its tabs share; an answer that is being made
// is in the server's log, from which every tab, and every reload, reads it from where it is.

import { add, events } from "./stream.js";
import { show } from "./show.js";

const $ = (id) => document.getElementById(id);
const api = new URL("api/chat", document.baseURI).pathname;
const key = (id) => `actorstream:${id}`;

/** The chat: {id, messages, cursor}. While an answer is made, `cursor` says where its log begins. */
let chat = null;
/** What is being read, and the message that it makes. */
let reading = null;
const shown = new Map();

function load(id) {
  try {
    return JSON.parse(localStorage.getItem(key(id))) ?? { id, messages: [], cursor: null };
  } catch {
    return { id, messages: [], cursor: null };
  }
}

function save() {
  try {
    localStorage.setItem(key(chat.id), JSON.stringify(chat));
  } catch {
    // The storage is full or not to be had: the chat lasts as long as the page.
  }
}

function open(id) {
  reading?.abort();
  reading = null;
  chat = load(id);
  shown.clear();
  $("messages").replaceChildren();
  draw();
  if (chat.messages.at(-1)?.role === "user") read(null);
  $("input").focus();
}

/** Draws what has changed. */
function draw() {
  const scroll = $("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const messages = reading ? [...chat.messages, reading.message] : chat.messages;
  for (const [message, node] of shown) {
    if (!messages.includes(message)) {
      node.remove();
      shown.delete(message);
    }
  }
  for (const message of messages) {
    let node = shown.get(message);
    if (!node) {
      node = document.createElement("article");
      shown.set(message, node);
      $("messages").append(node);
    }
    show(node, message, { live: message === reading?.message, retry });
  }
  $("empty").hidden = messages.length > 0;
  $("send").hidden = Boolean(reading);
  $("stop").hidden = !reading;
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

let asked = false;
function drawSoon() {
  if (asked) return;
  asked = true;
  const now = () => {
    asked = false;
    draw();
  };
  // A tab in the background has no frames.
  if (document.hidden) setTimeout(now, 250);
  else requestAnimationFrame(now);
}

/** What the server needs to know of a message. */
function sent(message) {
  const parts = message.parts.filter((part) => part.type === "text");
  return { id: message.id, role: message.role, parts: parts.map(({ type, text }) => ({ type, text })) };
}

function send(text) {
  const message = { id: crypto.randomUUID(), role: "user", sent: Date.now(), parts: [{ type: "text", text }] };
  chat.messages.push(message);
  chat.cursor = null;
  save();
  read("submit-message");
}

function retry() {
  if (reading) return;
  if (chat.messages.at(-1)?.role === "assistant") chat.messages.pop();
  chat.cursor = null;
  save();
  read("regenerate-message");
}

/** Reads the answer to the last message: a new one, or with no trigger the one that is being made. */
async function read(trigger) {
  const controller = new AbortController();
  const mine = { message: { id: "", role: "assistant", parts: [] }, abort: () => controller.abort() };
  reading = mine;
  draw();
  try {
    await readAll(mine, trigger, controller.signal);
  } catch (error) {
    if (controller.signal.aborted) return;
    mine.message.error = error instanceof Failure ? error.message : "The connection to the server was lost.";
  }
  if (reading !== mine) return;
  reading = null;
  const { id, role, parts, error, stopped, finishReason } = mine.message;
  const kept = { id, role, parts, error, stopped, finishReason };
  const node = shown.get(mine.message);
  shown.delete(mine.message);
  if (node) shown.set(kept, node);
  // Another tab may have kept it already.
  if (chat.messages.at(-1)?.role === "user") chat.messages.push(kept);
  chat.cursor = null;
  save();
  draw();
}

class Failure extends Error {}

async function readAll(mine, trigger, signal) {
  let lost = 0;
  // The id of the last event; with it a lost connection goes on without a gap.
  let last = trigger ? null : chat.cursor;
  for (;;) {
    try {
      const answer = await request(trigger, last, signal);
      if (answer.status === 204) {
        // Another tab's message may not have arrived yet.
        if (Date.now() - (chat.messages.at(-1)?.sent ?? 0) < 10_000) throw new Error("no answer yet");
        throw new Failure("There is no answer to this message any more.");
      }
      if (!answer.ok) throw new Failure(await explain(answer));
      for await (const { id, data } of events(answer.body)) {
        lost = 0;
        if (data === "[DONE]") return;
        if (id) {
          last = id;
          if (!chat.cursor) {
            // From here a reload reads it all.
            chat.cursor = `${id.split(".")[0]}.0`;
            save();
          }
        }
        add(mine.message, JSON.parse(data));
        drawSoon();
      }
      throw new Error("the answer broke off");
    } catch (error) {
      if (error instanceof Failure || signal.aborted || ++lost > 8) throw error;
      // What was sent has arrived, or will not have: the server tells the two apart by the message's id.
      if (last) trigger = null;
      await new Promise((wait) => setTimeout(wait, Math.min(250 * 2 ** lost, 8000) * (0.75 + Math.random() / 4)));
    }
  }
}

function request(trigger, last, signal) {
  if (!trigger) {
    const after = last ? `?after=${encodeURIComponent(last)}` : "";
    return fetch(`${api}/${encodeURIComponent(chat.id)}/stream${after}`, { signal, cache: "no-store" });
  }
  const body = JSON.stringify({ id: chat.id, messages: chat.messages.map(sent), trigger });
  return fetch(api, { method: "POST", headers: { "content-type": "application/json" }, body, signal });
}

/** What the server says about a request that it refuses. */
async function explain(answer) {
  const text = await answer.text().catch(() => "");
  try {
    const error = JSON.parse(text).error;
    return error.message ?? String(error);
  } catch {
    return text.trim().slice(0, 300) || `The server answered ${answer.status}.`;
  }
}

function submit() {
  const text = $("input").value.trim();
  if (!text || reading) return;
  $("input").value = "";
  send(text);
  $("scroll").scrollTop = $("scroll").scrollHeight;
}

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
$("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    submit();
  }
});
$("stop").addEventListener("click", () => {
  fetch(`${api}/${encodeURIComponent(chat.id)}/stop`, { method: "POST" }).catch(() => {});
});
$("new").addEventListener("click", () => {
  location.hash = crypto.randomUUID();
});
window.addEventListener("hashchange", () => open(location.hash.slice(1)));
// Another tab has sent something, or kept an answer.
window.addEventListener("storage", (event) => {
  if (event.key !== key(chat.id)) return;
  const theirs = load(chat.id);
  const grew = theirs.messages.length !== chat.messages.length;
  if (reading) {
    chat.cursor ??= theirs.cursor;
  } else if (grew) {
    open(chat.id);
  }
});

if (location.hash.length < 2) {
  const last = localStorage.getItem("actorstream:last");
  history.replaceState(null, "", `#${last || crypto.randomUUID()}`);
}
window.addEventListener("hashchange", remember);
function remember() {
  localStorage.setItem("actorstream:last", location.hash.slice(1));
}
remember();
open(location.hash.slice(1));
