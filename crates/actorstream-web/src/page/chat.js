// The chat page. The chat's messages are in the browser's storage, which all its tabs share. A running response is in the
// server's log, from which every tab and every reload continues to read it.

import * as relay from "./relay.js";
import * as storage from "./storage.js";
import { Answer } from "./answer.js";
import { MAX_STEP } from "./blocks.js";
import { MessageView } from "./show.js";
import { askForToken } from "./token.js";

const $ = (id) => document.getElementById(id);

/** The chat: {id, messages, cursor}. While a response is running, `cursor` is the beginning of its log. */
let chat = null;
/** The response that is being read, and the last one that was. */
let reading = null;
let last = null;
const shown = new Map();

/** Texts of the kinds of parts that are shown. */
const TEXTS = { text: ["text"], reasoning: ["text"], tool: ["name", "input"], file: ["url"], source: ["url"] };
const isPart = (part) => typeof part.type === "string" && (TEXTS[part.type] ?? []).every((name) => typeof part[name] === "string");
const isMessage = ({ role, parts }) => ["user", "assistant"].includes(role) && parts.every(isPart);

function load(id) {
  const empty = { id, messages: [], cursor: null };
  try {
    const kept = JSON.parse(storage.get(storage.ofChat(id)));
    return kept.messages.every(isMessage) ? { ...empty, ...kept, id } : empty;
  } catch {
    return empty;
  }
}

function save() {
  storage.set(storage.ofChat(chat.id), JSON.stringify(chat));
}

function open(id) {
  last?.leave();
  reading = null;
  chat = load(id);
  shown.clear();
  $("messages").replaceChildren();
  draw();
  if (chat.messages.at(-1)?.role === "user") read(null);
  $("input").focus();
}

/** The maximum time of a drawing step in ms, its maximum cost, and the share of time for drawing. */
const SLICE = 8;
const COST = MAX_STEP;
const SHARE = 1 / 3;

/** Draws the changes, or a part of them if there are many. */
function draw() {
  const begin = performance.now();
  const scroll = $("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  const messages = reading ? [...chat.messages, reading.message] : chat.messages;
  const present = new Set(messages);
  for (const [message, view] of shown) {
    if (present.has(message)) continue;
    view.element.remove();
    shown.delete(message);
  }
  let isBehind = false;
  let cost = 0;
  let spent = 0;
  for (const message of messages) {
    let view = shown.get(message);
    if (!view) {
      view = new MessageView(message, { redraw: drawSoon, retry });
      shown.set(message, view);
      $("messages").append(view.element);
    }
    const live = message === reading?.message;
    view.update(message, { live, lost: live && reading.isLost });
    const start = performance.now();
    while (!isBehind) {
      const made = view.step();
      if (made === null) break;
      cost += made;
      isBehind = cost >= COST || spent + performance.now() - start > SLICE;
    }
    spent += performance.now() - start;
  }
  $("empty").hidden = messages.length > 0;
  show($("send"), !reading);
  show($("stop"), Boolean(reading));
  // This also performs the layout, which is part of the time.
  const end = scroll.scrollHeight;
  if (atEnd) scroll.scrollTop = end;
  $("messages").setAttribute("aria-busy", String(isBehind || Boolean(reading)));
  rest = (performance.now() - begin) * (1 / SHARE - 1);
  if (isBehind) drawSoon();
}

/** Shows or hides a button without losing the focus. */
function show(button, isShown) {
  const hadFocus = document.activeElement === button;
  button.hidden = !isShown;
  if (hadFocus && !isShown) $("input").focus();
}

let isAsked = false;
let rest = 0;
function drawSoon() {
  if (isAsked) return;
  isAsked = true;
  const now = () => {
    isAsked = false;
    draw();
  };
  // A tab in the background has no frames.
  if (document.hidden) setTimeout(now, 250);
  else if (rest > 16) setTimeout(() => requestAnimationFrame(now), rest);
  else requestAnimationFrame(now);
}

/** Returns the parts of a message that the server needs. */
function sent(message) {
  const parts = message.parts.filter((part) => part.type === "text");
  return { id: message.id, role: message.role, parts: parts.map(({ type, text }) => ({ type, text })) };
}

function send(text) {
  const message = { id: storage.newId(), role: "user", sent: Date.now(), parts: [{ type: "text", text }] };
  chat.messages.push(message);
  chat.cursor = null;
  save();
  read("submit-message");
}

function retry() {
  if (reading) return;
  let lost = false;
  if (chat.messages.at(-1)?.role === "assistant") lost = Boolean(chat.messages.pop().lost);
  // A response whose connection was lost may still exist.
  if (!lost) chat.cursor = null;
  save();
  read(lost ? null : "regenerate-message");
  $("input").focus();
}

/** Reads the response to the last message: a new one or, without a trigger, the running one. */
async function read(trigger) {
  const its = chat;
  const mine = new Answer(its, trigger, {
    messages: () => its.messages.map(sent),
    changed: drawSoon,
    began(cursor) {
      if (its.cursor) return;
      // From this position, a reload reads all of it.
      its.cursor = cursor;
      save();
    },
    isLast: () => reading === mine || its.messages.at(-1) === mine.message,
  });
  reading = last = mine;
  draw();
  const isKept = await mine.read();
  if (reading !== mine || !isKept) return;
  reading = null;
  // Another tab may have stored it already.
  if (its.messages.at(-1)?.role === "user") its.messages.push(mine.message);
  if (!mine.message.lost) its.cursor = null;
  save();
  draw();
}

async function stop() {
  const mine = reading;
  await mine?.stop();
  // The status in the message may have changed.
  if (last !== mine || reading) return;
  save();
  drawSoon();
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
$("stop").addEventListener("click", stop);
$("new").addEventListener("click", () => {
  location.hash = storage.newId();
});
window.addEventListener("hashchange", () => {
  storage.set(storage.LAST, location.hash.slice(1));
  open(location.hash.slice(1));
});
// Another tab has sent a message, or stored a response.
window.addEventListener("storage", (event) => {
  if (event.key !== storage.ofChat(chat.id)) return;
  const theirs = load(chat.id);
  const grew = theirs.messages.length !== chat.messages.length;
  if (reading) {
    chat.cursor ??= theirs.cursor;
  } else if (grew) {
    open(chat.id);
  }
});

relay.onToken(askForToken);
if (location.hash.length < 2) history.replaceState(null, "", `#${storage.get(storage.LAST) || storage.newId()}`);
storage.set(storage.LAST, location.hash.slice(1));
open(location.hash.slice(1));
