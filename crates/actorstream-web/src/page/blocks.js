// A growing Markdown text in blocks. A block that can no longer change is closed and never parsed again; when the text
// grows, only the text after the last closed block is parsed. The cost is therefore linear in the length of the text, in
// steps that are bounded for any content.

import { parse, plain } from "./markdown.js";

/** The length parsed in one step, in UTF-16 units. A longer block is cut into several that look like one. */
export const WINDOW = 16_384;
/** The maximum number of elements in one step; text with more is parsed in smaller steps. */
export const MAX_STEP = 2_000;
const SMALLEST_WINDOW = 1_024;
/** The opening of a table or of code is repeated for each piece of it, if it is not longer than this. */
const MAX_HEAD = 1_024;

/** The number of elements after which text is shown verbatim. Browsers have memory for some hundred thousand. */
export const MAX_ELEMENTS = 50_000;

const LINE_END = /\r\n?|\n/g;

/** Returns the beginnings of a text's lines, and the number of complete lines. */
function linesOf(text, isWhole) {
  const starts = [0];
  for (const found of text.matchAll(LINE_END)) {
    // This may become "\r\n".
    if (!isWhole && found[0] === "\r" && found.index === text.length - 1) break;
    starts.push(found.index + found[0].length);
  }
  return { starts, complete: isWhole ? starts.length : starts.length - 1 };
}

/** Returns where to cut an overlong text: after its last line, else after its last word, else between characters. */
function cut(text) {
  const line = text.lastIndexOf("\n") + 1;
  if (line > 0) return line;
  const word = text.lastIndexOf(" ") + 1;
  if (word > text.length / 2) return word;
  return /[\uD800-\uDBFF\r]$/.test(text) ? text.length - 1 : text.length;
}

/** Many combining marks on one letter keep a browser busy for seconds, so they are distributed over dotted circles. */
const tamed = (text) => text.replace(/\p{M}{32}/gu, "$&\u25cc");

/** Marks an element as a piece of one. */
function mark(tree, name) {
  if (tree) tree.attributes = { ...tree.attributes, class: `${tree.attributes.class ?? ""} ${name}`.trim() };
}

/** Returns the blocks of a text; text on which the parser fails is shown verbatim. */
function parsed(text, references) {
  try {
    return parse(text, references);
  } catch {
    return [plain(text)];
  }
}

const treesOf = (blocks) => blocks.filter((block) => block.tree).map((block) => block.tree);
const elementsOf = (blocks) => blocks.reduce((sum, block) => sum + block.elements, 0);
/** Returns the cost of showing blocks: their elements, and their text, where a full window costs as much as one step. */
const costOf = (blocks, text) => elementsOf(blocks) + (text.length * MAX_STEP) / WINDOW;

export class Blocks {
  #source = "";
  #ended = false;
  /** The position of the first open block in the source. */
  #at = 0;
  /** The shared properties of the pieces of a cut block: its type, and its opening lines. */
  #cut = null;
  #references = Object.create(null);
  #known = 0;
  /** Closed blocks that may refer to later definitions. */
  #early = [];
  #count = 0;
  #elements = 0;
  #size = WINDOW;
  #idle = true;
  /** The parsed length, in UTF-16 units. */
  parsed = 0;

  /**
   * Sets the current text, which extends the previous one. If `ended`, it is complete. Returns whether it has changed.
   */
  grow(source, ended) {
    if (source.length === this.#source.length && ended === this.#ended) return false;
    this.#source = source;
    this.#ended = ended;
    this.#idle = false;
    return true;
  }

  /**
   * Performs one step. Returns the trees of the newly closed blocks, those of the open blocks after them, and earlier closed
   * ones that look different now, by their number; and the `cost`, at most about {@link MAX_STEP}. Returns null if there is
   * nothing to do.
   */
  step() {
    if (this.#idle) return null;
    if (this.#at === this.#source.length && this.#ended) return this.#again();
    const { text, blocks, isFull } = this.#take();
    const isPiece = this.#cut !== null;
    const { starts, complete } = linesOf(text, isFull || this.#ended);
    // An incomplete line may still belong to the previous block.
    const last = blocks.findLastIndex((block, index) => index > 0 && block.from < complete);
    let closed = blocks;
    let end = text.length;
    if (this.#ended && !isFull) this.#cut = null;
    else if (last > 0) {
      closed = blocks.slice(0, last);
      end = starts[blocks[last].from];
      this.#cut = null;
    } else if (isFull) {
      end = this.#divide(blocks[0], text, starts);
    } else {
      closed = [];
      end = 0;
    }
    this.#close(closed, this.#at, this.#at + end, isPiece || this.#cut !== null);
    this.#at += end;
    this.#idle = !isFull && !(this.#ended && this.#early.length > 0);
    const open = end === text.length ? [] : blocks.slice(closed.length);
    return { closed: treesOf(closed), open: treesOf(open), again: [], cost: costOf(blocks, text) };
  }

  /** Parses as much as one step may cost. `isFull` means that more follows. */
  #take() {
    for (;;) {
      const size = this.#size;
      const rest = this.#source.slice(this.#at, this.#at + size);
      const isFull = this.#at + size < this.#source.length;
      const text = isFull ? rest.slice(0, cut(rest)) : rest;
      let blocks = this.#parse(text);
      const elements = elementsOf(blocks);
      if (elements > MAX_STEP && size > SMALLEST_WINDOW) {
        this.#size = size / 4;
        continue;
      }
      if (elements > MAX_STEP) blocks = [plain(tamed(text))];
      else if (elements < MAX_STEP / 4) this.#size = Math.min(WINDOW, 2 * size);
      return { text, blocks, isFull };
    }
  }

  /** Parses a piece of the text as the continuation of a cut block. Lines are counted from the start of the piece. */
  #parse(text) {
    this.parsed += text.length;
    const head = this.#cut?.head ?? "";
    const lines = head === "" ? 0 : head.split("\n").length - 1;
    const blocks = this.#elements > MAX_ELEMENTS ? [plain(tamed(text))] : parsed(tamed(head + text), this.#references);
    for (const block of blocks) {
      block.from = Math.max(0, block.from - lines);
      block.to -= lines;
      block.items = block.items.map((line) => line - lines);
    }
    const [first] = blocks;
    if (this.#cut && first?.tree && first.type === this.#cut.type) {
      mark(first.tree, "continued");
      if (lines > 0 && first.type === "table") {
        const table = first.tree.children[0];
        table.children = table.children.filter((part) => part.name !== "thead");
        if (table.children.length === 0) first.tree = null;
      } else if (lines > 0 && first.tree.children[0].children.length === 0) first.tree = null;
    }
    return blocks;
  }

  /** Cuts a block that fills the window. Returns where the next piece begins. */
  #divide(block, text, starts) {
    const was = this.#cut;
    this.#cut = null;
    if (!block) return text.length;
    const { type } = block;
    if (block.items.length > 1) {
      // Cut before the last item, which may continue.
      block.tree.children.pop();
      mark(block.tree, "cut");
      this.#cut = { type, head: "" };
      return starts[block.items.at(-1)];
    }
    mark(block.tree, "cut");
    // A piece of a piece has the opening lines of the first.
    if (was?.type === type && was.head !== "") {
      this.#cut = was;
      return text.length;
    }
    const opens = { fence: 1, table: 2 }[type] ?? 0;
    const head = text.slice(0, starts[opens] ?? text.length).replaceAll(/\r\n?/g, "\n");
    const repeats = opens > 0 && head.length <= MAX_HEAD && head.endsWith("\n");
    this.#cut = { type, head: repeats ? head : "" };
    return text.length;
  }

  /** Records the closed blocks of a part of the source. A piece of a block cannot be parsed again separately. */
  #close(blocks, from, to, isPiece) {
    const shown = blocks.filter((block) => block.tree).length;
    for (const [label, reference] of blocks.flatMap((block) => block.definitions)) {
      if (label in this.#references) continue;
      this.#references[label] = reference;
      this.#known += 1;
    }
    if (shown > 0 && !isPiece && this.#source.slice(from, to).includes("]")) {
      this.#early.push({ first: this.#count, shown, from, to, known: this.#known });
    }
    this.#count += shown;
    this.#elements += elementsOf(blocks);
  }

  /** Parses closed blocks again that may refer to later definitions. */
  #again() {
    let early = this.#early.pop();
    while (early && early.known === this.#known) early = this.#early.pop();
    if (!early) {
      this.#idle = true;
      return null;
    }
    this.#cut = null;
    const text = this.#source.slice(early.from, early.to);
    const blocks = this.#parse(text);
    const trees = treesOf(blocks);
    const again = trees.length === early.shown ? trees.map((tree, index) => [early.first + index, tree]) : [];
    return { closed: [], open: [], again, cost: costOf(blocks, text) };
  }
}
