// Converts Markdown to a tree of plain objects, {name, attributes, children}, in which a text is a string. This file does not
// use a document, so the trees can be tested without one, and it never writes HTML: only the elements and attributes listed
// here can be produced, whatever a model writes.

import "./markdown-it.js";

/** The maximum nesting of blocks, and of all elements. Deeper content is kept as text, or flattened. */
export const MAX_BLOCK_LEVEL = 16;
export const MAX_DEPTH = 32;
/** A table with more columns is shown as its source: a browser takes seconds to lay out some thousands of them. */
export const MAX_COLUMNS = 50;

const LINK = /^(?:https?:\/\/|mailto:)/i;
const PICTURE = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;
/** The inline HTML that models write, without attributes. All other HTML is shown as text. */
const TAG = /<(\/?)(b|br|code|del|em|i|ins|kbd|mark|s|strong|sub|sup|u) ?\/?>/iy;

const md = globalThis.markdownit({ html: false, linkify: true, breaks: true });
// Only text with a scheme becomes a link; `main.rs` does not.
md.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false });
// Definitions are blocks too: incremental parsing needs their positions.
md.core.ruler.disable("strip_references");

/** Parses the rest of a block that is nested too deeply as one paragraph. */
function tooDeep(state, line, endLine) {
  if (state.level < MAX_BLOCK_LEVEL) return false;
  let next = line;
  while (next < endLine && (state.isEmpty(next) || state.sCount[next] >= state.blkIndent)) next += 1;
  const content = state.getLines(line, next, state.blkIndent, false).trim();
  state.push("paragraph_open", "p", 1).map = [line, next];
  Object.assign(state.push("inline", "", 0), { content, map: [line, next], children: [] });
  state.push("paragraph_close", "p", -1);
  state.line = next;
  return true;
}
md.block.ruler.before("table", "too_deep", tooDeep);

const ofOneRule = globalThis.markdownit();
ofOneRule.block.ruler.enableOnly(["table"]);
const [table] = ofOneRule.block.ruler.getRules("");
/** Parses a table, if it is not too wide. */
function narrowTable(state, line, endLine, silent) {
  if (line + 1 >= endLine) return false;
  const delimiters = state.src.slice(state.bMarks[line + 1], state.eMarks[line + 1]);
  let columns = 1;
  for (let at = delimiters.indexOf("|"); at >= 0; at = delimiters.indexOf("|", at + 1)) columns += 1;
  return columns <= MAX_COLUMNS + 2 && table(state, line, endLine, silent);
}
md.block.ruler.at("table", narrowTable, { alt: ["paragraph", "reference"] });

/** Parses the HTML of {@link TAG}. */
function tag(state, silent) {
  TAG.lastIndex = state.pos;
  const found = TAG.exec(state.src);
  if (!found) return false;
  if (!silent) {
    const made = state.push("tag", found[2].toLowerCase(), 0);
    made.content = found[0];
    made.meta = { closes: found[1] === "/" };
  }
  state.pos += found[0].length;
  return true;
}
md.inline.ruler.before("autolink", "tag", tag);

/** Builds a tree from opening and closing tokens, no deeper than {@link MAX_DEPTH}. */
class Tree {
  constructor() {
    this.root = { name: "", attributes: {}, children: [] };
    this.stack = [this.root];
    this.elements = 0;
  }

  get top() {
    return this.stack.at(-1);
  }

  open(name, attributes = {}) {
    // Content that is too deep is added to the open element; it is on the stack only for its closing token.
    const flat = this.stack.length > MAX_DEPTH || !name;
    const node = flat ? this.top : { name, attributes, children: [] };
    if (!flat) {
      this.top.children.push(node);
      this.elements += 1;
    }
    this.stack.push(node);
  }

  close() {
    if (this.stack.length > 1) this.stack.pop();
  }

  leaf(name, attributes = {}, ...children) {
    this.elements += 1;
    this.top.children.push({ name, attributes, children });
  }

  text(text) {
    const { children } = this.top;
    if (!text) return;
    if (typeof children.at(-1) === "string") children[children.length - 1] += text;
    else children.push(text);
  }
}

const attributesOfLink = (href, title) => ({
  href,
  ...(title ? { title } : {}),
  target: "_blank",
  rel: "noopener noreferrer nofollow",
});

function link(tree, token) {
  const href = token.attrGet("href") ?? "";
  if (LINK.test(href)) tree.open("a", attributesOfLink(href, token.attrGet("title")));
  else tree.open("span", { title: href });
}

/** Shows an embedded image. An external one becomes a link, because loading it would reveal the reader to its server. */
function image(tree, token) {
  const source = token.attrGet("src") ?? "";
  const text = token.content || token.attrGet("title") || "picture";
  if (PICTURE.test(source)) tree.leaf("img", { src: source, alt: text });
  else if (LINK.test(source)) tree.leaf("a", { ...attributesOfLink(source, token.attrGet("title")), class: "picture" }, text);
  else tree.text(text);
}

/** Handles inline HTML that opens or closes an element. An element ends with its paragraph at the latest. */
function html(tree, token, tags) {
  if (token.tag === "br") return tree.leaf("br");
  if (!token.meta.closes) {
    tree.open(token.tag);
    tags.push({ name: token.tag, level: tree.stack.length });
    return;
  }
  // Only the innermost element can be closed, and not from inside an element that was opened since.
  if (tags.at(-1)?.name === token.tag && tags.at(-1).level === tree.stack.length) {
    tags.pop();
    tree.close();
  } else {
    tree.text(token.content);
  }
}

function inline(tree, tokens) {
  const base = tree.stack.length;
  const tags = [];
  // A closed Markdown element closes the HTML in it.
  const close = () => {
    while (tags.length > 0 && tags.at(-1).level === tree.stack.length) {
      tags.pop();
      tree.close();
    }
    if (tree.stack.length > base) tree.close();
  };
  for (const token of tokens) {
    switch (token.type) {
      case "text":
        tree.text(token.content);
        break;
      case "code_inline":
        tree.leaf("code", {}, token.content);
        break;
      case "softbreak":
      case "hardbreak":
        tree.leaf("br");
        break;
      case "link_open":
        link(tree, token);
        break;
      case "image":
        image(tree, token);
        break;
      case "tag":
        html(tree, token, tags);
        break;
      case "em_open":
      case "strong_open":
        tree.open(token.tag);
        break;
      case "s_open":
        tree.open("del");
        break;
      default:
        if (token.nesting < 0) close();
        else tree.text(token.content);
    }
  }
  while (tree.stack.length > base) tree.close();
}

const TASK = /^\[([ xX])\](?:\s+|$)/;

/** The checkbox of a task list item, which is removed from the item's text. */
function task(tokens, index) {
  const text = tokens[index + 2]?.type === "inline" ? tokens[index + 2].children[0] : undefined;
  const found = text?.type === "text" ? TASK.exec(text.content) : null;
  if (!found) return null;
  text.content = text.content.slice(found[0].length);
  return found[1] !== " ";
}

const ALIGNED = /text-align:(left|center|right)/;

function open(tree, token, tokens, index) {
  switch (token.type) {
    case "ordered_list_open": {
      const start = token.attrGet("start");
      return tree.open("ol", start === null ? {} : { start: String(start) });
    }
    case "list_item_open": {
      const done = task(tokens, index);
      if (done === null) return tree.open("li");
      tree.open("li", { class: "task" });
      return tree.leaf("input", { type: "checkbox", disabled: "", ...(done ? { checked: "" } : {}) });
    }
    case "th_open":
    case "td_open": {
      const aligned = ALIGNED.exec(token.attrGet("style") ?? "");
      return tree.open(token.tag, aligned ? { class: aligned[1] } : {});
    }
    case "table_open":
      // The table scrolls, not the page; also by keyboard.
      tree.open("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Table" });
      return tree.open("table");
    case "paragraph_open":
      // A list may become loose late: its items then look different, but remain the same elements.
      if (tree.top.name !== "li") return tree.open(token.hidden ? "" : "p");
      return tree.open("div", token.hidden ? {} : { class: "loose" });
    default:
      return tree.open(token.tag);
  }
}

/**
 * Parses the blocks of a text: {type, from, to, tree, elements, items, definitions}. A block consists of the lines `from` up
 * to, but not including, `to`; `elements` is the number of elements in its tree. A list has `items`, the first lines of its
 * items. A block with only definitions has no tree.
 */
export function parse(source, references) {
  // Definitions in this text do not apply to other texts.
  const environment = { references: Object.create(references) };
  const tokens = md.parse(source, environment);
  const blocks = [];
  let tree = null;
  tokens.forEach((token, index) => {
    if (token.level === 0 && token.nesting >= 0 && token.type !== "inline") {
      const [from, to] = token.map;
      tree = new Tree();
      blocks.push({ type: token.type.replace("_open", ""), from, to, tree, items: [], definitions: [] });
    }
    const block = blocks.at(-1);
    if (token.type === "reference_definition") {
      const { label } = token.meta;
      block.definitions.push([label, environment.references[label]]);
      if (token.level === 0) block.tree = null;
      return;
    }
    if (token.type === "list_item_open" && token.level === 1) block.items.push(token.map[0]);
    if (token.type === "inline") inline(tree, token.children);
    else if (token.type === "fence" || token.type === "code_block") {
      tree.open("pre");
      tree.leaf("code", {}, ...(token.content ? [token.content] : []));
      tree.close();
    } else if (token.nesting > 0) open(tree, token, tokens, index);
    else if (token.nesting < 0) {
      tree.close();
      if (token.type === "table_close") tree.close();
    } else tree.leaf(token.tag);
  });
  for (const block of blocks) {
    block.elements = block.tree?.elements ?? 0;
    // Each block is one element.
    block.tree = block.tree?.root.children[0] ?? null;
  }
  return blocks;
}

/** Returns a text verbatim, as one block. */
export function plain(text) {
  const tree = { name: "p", attributes: { class: "plain" }, children: [text] };
  return { type: "plain", from: 0, to: Number.MAX_SAFE_INTEGER, tree, elements: 1, items: [], definitions: [] };
}
