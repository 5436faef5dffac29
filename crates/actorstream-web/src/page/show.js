// How a message is shown. What comes from a model is never trusted: Markdown is made into HTML, and that is cleaned.

import { marked } from "./marked.js";
import "./purify.js";

const clean = globalThis.DOMPurify;
const allowed = {
  ALLOWED_TAGS: [
    "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre",
    "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["href", "start", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  RETURN_DOM_FRAGMENT: true,
};

clean.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
});

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function markdown(source) {
  const shown = element("div", "text");
  shown.append(clean.sanitize(marked.parse(source, { gfm: true, breaks: true }), allowed));
  return shown;
}

function link(url, title) {
  const safe = /^https?:\/\//i.test(url);
  const shown = element(safe ? "a" : "span", "", title || url);
  if (safe) Object.assign(shown, { href: url, target: "_blank", rel: "noopener noreferrer nofollow" });
  return shown;
}

function folded(title, body, open) {
  const shown = element("details");
  shown.open = open;
  shown.append(element("summary", "", title), body);
  return shown;
}

function part(part) {
  switch (part.type) {
    case "text":
      return markdown(part.text);
    case "reasoning":
      return folded(part.open ? "Thinking…" : "Thoughts", markdown(part.text), false);
    case "tool": {
      const body = element("pre", "", part.input + (part.output === undefined ? "" : `\n→ ${part.output}`));
      return folded(`${part.output === undefined ? "Calls" : "Called"} ${part.name}`, body, false);
    }
    case "file": {
      const shown = element("p", "file");
      if (/^data:image\/(png|jpeg|gif|webp);/.test(part.url)) {
        const image = element("img");
        image.src = part.url;
        image.alt = "A picture that the model made";
        shown.append(image);
      } else {
        shown.append(link(part.url, part.mediaType));
      }
      return shown;
    }
    default:
      return null;
  }
}

/** Shows a message in its element. Parts that have not changed are left as they are, so that a long answer stays cheap. */
export function show(into, message, { live, retry }) {
  into.className = `message ${message.role}`;
  if (message.role === "user") {
    into.textContent = message.parts.map((part) => part.text ?? "").join("\n");
    return;
  }
  const wanted = message.parts.filter((part) => ["text", "reasoning", "tool", "file"].includes(part.type));
  wanted.forEach((one, index) => {
    const key = JSON.stringify(one);
    const old = into.children[index];
    if (old?.dataset.key === key) return;
    const shown = part(one);
    if (old?.tagName === "DETAILS" && shown.tagName === "DETAILS") shown.open = old.open;
    shown.dataset.key = key;
    if (old) old.replaceWith(shown);
    else into.append(shown);
  });
  while (into.children.length > wanted.length) into.lastChild.remove();
  const sources = message.parts.filter((part) => part.type === "source");
  if (sources.length > 0) {
    const list = element("ol", "sources");
    for (const source of sources) {
      const item = element("li");
      item.append(link(source.url, source.title));
      list.append(item);
    }
    into.append(list);
  }
  if (live) into.append(element("span", "waiting"));
  if (message.stopped) into.append(element("p", "note", "Stopped."));
  else if (message.finishReason === "length") into.append(element("p", "note", "The answer was cut: its tokens ran out."));
  else if (message.finishReason === "content-filter") into.append(element("p", "note", "A content filter ended the answer."));
  if (message.error) {
    const box = element("div", "error");
    box.setAttribute("role", "alert");
    const again = element("button", "", "Try again");
    again.type = "button";
    again.onclick = retry;
    box.append(element("span", "", message.error), again);
    into.append(box);
  }
}
