// A growing Markdown text in blocks. A block that nothing more can change is closed and never looked at again; only what
// follows the last closed one is parsed when the text has grown. So a text costs as much as it is long, in steps that are
// bounded whatever stands in it.

import { parse, plain } from "./markdown.js";

/** So much is parsed in one step, in UTF-16 units. A block that is longer is cut into several, which look like one. */
export const WINDOW = 16_384;
/** What makes more elements in one step is parsed in smaller ones. */
export const MAX_STEP = 2_000;
const SMALLEST_WINDOW = 1_024;
/** The opening of a table or of code is repeated for each piece of it, if it is not longer than this. */
const MAX_HEAD = 1_024;

/** What follows so many elements is shown as it is: a browser has memory for some hundred thousand, and no reader needs them. */
export const MAX_ELEMENTS = 50_000;

const LINE_END = /\r\n?|\n/g;

/** Where the lines of a text begin, and how many of them are complete. */
function linesOf(text, isWhole) {
  const starts = [0];
  for (const found of text.matchAll(LINE_END)) {
    // Half of what may become "\r\n".
    if (!isWhole && found[0] === "\r" && found.index === text.length - 1) break;
    starts.push(found.index + found[0].length);
  }
  return { starts, complete: isWhole ? starts.length : starts.length - 1 };
}

/** Where to cut what is too long: after its last line, or else its last word, or else not in the middle of a character. */
function cut(text) {
  const line = text.lastIndexOf("\n") + 1;
  if (line > 0) return line;
  const word = text.lastIndexOf(" ") + 1;
  if (word > text.length / 2) return word;
  return /[\uD800-\uDBFF\r]$/.test(text) ? text.length - 1 : text.length;
}

/** Marks that all stand on one letter keep a browser busy for seconds: they are shared out among dotted circles. */
const tamed = (text) => text.replace(/\p{M}{32}/gu, "$&\u25cc");

/** Says of an element that it is a piece of one. */
function mark(tree, name) {
  if (tree) tree.attributes = { ...tree.attributes, class: `${tree.attributes.class ?? ""} ${name}`.trim() };
}

/** The blocks of a text. What the parser fails at is shown as it is. */
function parsed(text, references) {
  try {
    return parse(text, references);
  } catch {
    return [plain(text)];
  }
}

const treesOf = (blocks) => blocks.filter((block) => block.tree).map((block) => block.tree);
const elementsOf = (blocks) => blocks.reduce((sum, block) => sum + block.elements, 0);
/** What it takes a browser to show blocks: their elements, and their text, of which a whole window is as much as one step. */
const costOf = (blocks, text) => elementsOf(blocks) + (text.length * MAX_STEP) / WINDOW;

export class Blocks {
  #source = "";
  #ended = false;
  /** Where in the source the first block that is not closed begins. */
  #at = 0;
  /** What the pieces of a block that was cut have in common: its type, and the lines that open it. */
  #cut = null;
  #references = Object.create(null);
  #known = 0;
  /** Closed blocks that may name what is defined after them. */
  #early = [];
  #count = 0;
  #elements = 0;
  #size = WINDOW;
  #idle = true;
  /** How much has been parsed, in UTF-16 units. */
  parsed = 0;

  /**
   * Takes the text as it is now: what it was, and more. Once `ended`, it is whole. Says whether it is another one than
   * before.
   */
  grow(source, ended) {
    if (source.length === this.#source.length && ended === this.#ended) return false;
    this.#source = source;
    this.#ended = ended;
    this.#idle = false;
    return true;
  }

  /**
   * Goes on by one step. Gives the trees of the blocks that it has closed, those of the blocks behind them that may change,
   * and closed ones of before that look different now, by their number; and what it `cost`, at most
   * about {@link MAX_STEP}. Null if there is nothing to do.
   */
  step() {
    if (this.#idle) return null;
    if (this.#at === this.#source.length && this.#ended) return this.#again();
    const { text, blocks, isFull } = this.#take();
    const isPiece = this.#cut !== null;
    const { starts, complete } = linesOf(text, isFull || this.#ended);
    // The beginning of a line can still turn out to belong to the block before.
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

  /** Parses as much as one step may cost. `isFull` says that more follows. */
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

  /** Parses a piece of the text, as the continuation of what was cut. Lines are counted from its own first. */
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

  /** Cuts a block that fills the window. Gives where the next piece begins. */
  #divide(block, text, starts) {
    const was = this.#cut;
    this.#cut = null;
    if (!block) return text.length;
    const { type } = block;
    if (block.items.length > 1) {
      // Before its last item, which may go on.
      block.tree.children.pop();
      mark(block.tree, "cut");
      this.#cut = { type, head: "" };
      return starts[block.items.at(-1)];
    }
    mark(block.tree, "cut");
    // A piece of a piece has the opening of the first.
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

  /** Notes what has been closed: the blocks of a part of the source. A piece of a block can not be parsed by itself again. */
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

  /** Looks again at closed blocks that may name what was defined after them. */
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
