// Shows messages. Output of a model is never trusted: no HTML is written, and all elements are created here.

import { patchText } from "./patch.js";
import { MarkdownView } from "./view.js";

/** The maximum number of parts, and of sources, shown for one response. */
const MAX_PARTS = 1_000;
const MAX_SOURCES = 200;
/** The maximum length of a title or an error, in UTF-16 units. */
const MAX_LINE = 300;
const MAX_ERROR = 5_000;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Shortens a text to a line or two. */
const brief = (text) => (text.length <= MAX_LINE ? text : `${text.slice(0, MAX_LINE)}…`);

function link(url, title) {
  const safe = /^https?:\/\//i.test(url);
  const shown = element(safe ? "a" : "span", "", brief(String(title || url)));
  if (safe) Object.assign(shown, { href: url, target: "_blank", rel: "noopener noreferrer nofollow" });
  return shown;
}

// Views of parts. `update` takes the current part, and returns whether there is something to render. `step` renders one
// bounded step, and returns its cost, or null.

/** A text of the response. */
class Text {
  #view = new MarkdownView();
  element = this.#view.element;

  update(part, isOpen) {
    return this.#view.grow(part.text, !isOpen);
  }

  step() {
    return this.#view.step();
  }
}

/** Collapsed reasoning: nothing is rendered until it is opened. */
class Reasoning {
  element = element("details");
  #title = element("summary");
  #view = new MarkdownView();

  constructor(onOpened) {
    this.element.append(this.#title, this.#view.element);
    this.element.addEventListener("toggle", () => onOpened(this));
  }

  update(part, isOpen) {
    const title = isOpen ? "Thinking…" : "Thoughts";
    if (this.#title.textContent !== title) this.#title.textContent = title;
    return this.#view.grow(part.text, !isOpen);
  }

  step() {
    return this.element.open ? this.#view.step() : null;
  }
}

/** The maximum length of a tool's input or output that is shown, in UTF-16 units. */
const MAX_TOOL = 100_000;

const shortened = (text) =>
  text.length <= MAX_TOOL ? text : `${text.slice(0, MAX_TOOL)}… (${text.length - MAX_TOOL} more characters)`;

class Tool {
  element = element("details");
  #title = element("summary");
  #text = document.createTextNode("");
  #input = "";
  #output;

  constructor() {
    const body = element("pre");
    body.append(this.#text);
    this.element.append(this.#title, body);
  }

  update(part) {
    const title = `${part.output === undefined ? "Calls" : "Called"} ${part.name}`;
    if (this.#title.textContent !== title) this.#title.textContent = title;
    if (part.input === this.#input && part.output === this.#output) return false;
    this.#input = part.input;
    this.#output = part.output;
    const output = part.output === undefined ? "" : `\n→ ${shortened(String(part.output))}`;
    patchText(this.#text, shortened(part.input) + output);
    return false;
  }
}

class File {
  element = element("p", "file");

  update(part) {
    if (this.element.hasChildNodes()) return false;
    if (/^data:image\/(png|jpeg|gif|webp);/.test(part.url)) {
      const image = element("img");
      image.src = part.url;
      image.alt = "A picture that the model made";
      this.element.append(image);
    } else {
      this.element.append(link(part.url, part.mediaType));
    }
    return false;
  }
}

const PARTS = { text: Text, reasoning: Reasoning, tool: Tool, file: File };

/** A message on the page. */
export class MessageView {
  element;
  #redraw;
  #retry;
  #parts = new Map();
  /** The views of parts that have something to render. */
  #behind = new Set();
  /** The element after the parts, and the values it shows. */
  #end = element("div", "end");
  #endOf = "";

  constructor(message, { redraw, retry }) {
    this.#redraw = redraw;
    this.#retry = retry;
    this.element = element("article", `message ${message.role}`);
    if (message.role === "user") {
      this.element.textContent = message.parts.map((part) => part.text ?? "").join("\n");
    } else {
      this.element.append(this.#end);
    }
  }

  /** Sets the current message. `live` means that it grows, `lost` that its connection is lost. */
  update(message, { live, lost }) {
    if (message.role === "user") return;
    const all = message.parts.filter((part) => Object.hasOwn(PARTS, part.type));
    const parts = new Set(all.slice(0, MAX_PARTS));
    for (const [part, view] of this.#parts) {
      if (parts.has(part)) continue;
      view.element.remove();
      this.#parts.delete(part);
      this.#behind.delete(view);
    }
    for (const part of parts) {
      let view = this.#parts.get(part);
      if (!view) {
        view = new PARTS[part.type]((opened) => {
          this.#behind.add(opened);
          this.#redraw();
        });
        this.#parts.set(part, view);
        this.#end.before(view.element);
      }
      if (view.update(part, live && Boolean(part.open))) this.#behind.add(view);
    }
    this.#showEnd(message, live, lost, all.length - parts.size);
  }

  /** Renders one bounded step. Returns its cost; null if there was nothing to do. */
  step() {
    for (const view of this.#behind) {
      const cost = view.step();
      if (cost !== null) return cost;
      this.#behind.delete(view);
    }
    return null;
  }

  #showEnd(message, live, lost, hidden) {
    const sources = message.parts.filter((part) => part.type === "source");
    const first = sources.slice(0, MAX_SOURCES);
    const more = sources.length - first.length;
    const { stopped, finishReason } = message;
    const error = message.error && String(message.error).slice(0, MAX_ERROR);
    const key = JSON.stringify([first.length, more, hidden, live, lost, stopped, finishReason, error]);
    if (key === this.#endOf) return;
    this.#endOf = key;
    this.#end.replaceChildren();
    if (hidden > 0) this.#end.append(element("p", "note", `${hidden} more parts are not shown.`));
    if (first.length > 0) {
      const list = element("ol", "sources");
      for (const source of first) {
        const item = element("li");
        item.append(link(source.url, source.title));
        list.append(item);
      }
      this.#end.append(list);
    }
    if (more > 0) this.#end.append(element("p", "note", `${more} more sources are not shown.`));
    if (lost) {
      const note = element("p", "note lost", "Reconnecting…");
      note.setAttribute("role", "status");
      this.#end.append(note);
    } else if (live) this.#end.append(element("span", "waiting"));
    const note = noteOf(message);
    if (note) this.#end.append(element("p", "note", note));
    if (error) this.#end.append(this.#alert(error));
  }

  #alert(error) {
    const box = element("div", "error");
    box.setAttribute("role", "alert");
    const again = element("button", "", "Try again");
    again.type = "button";
    again.onclick = this.#retry;
    box.append(element("span", "", error), again);
    return box;
  }
}

function noteOf({ stopped, finishReason }) {
  if (stopped === "here") return "Stopped here. The server could not be told, and may go on.";
  if (stopped) return "Stopped.";
  if (finishReason === "length") return "The answer was cut: its tokens ran out.";
  if (finishReason === "content-filter") return "A content filter ended the answer.";
  return null;
}
