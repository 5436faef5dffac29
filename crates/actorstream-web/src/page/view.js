// A Markdown text on the page.

import { Blocks } from "./blocks.js";
import { create, patch } from "./patch.js";

/** The number of blocks in one element: a browser visits all children of an element when one is added. */
const GROUP = 50;

export class MarkdownView {
  element = document.createElement("div");
  #blocks = new Blocks();
  /** The elements of the closed blocks, and those of the blocks after them. */
  #closed = [];
  #open = [];

  constructor() {
    this.element.className = "text";
  }

  /** Sets the current text. Returns whether it has changed. */
  grow(source, ended) {
    return this.#blocks.grow(source, ended);
  }

  /** Shows one more step. Returns its cost; null if there was nothing to do. */
  step() {
    const step = this.#blocks.step();
    if (!step) return null;
    for (const [index, tree] of step.again) this.#closed[index] = patch(this.#closed[index], tree);
    if (step.again.length === 0) {
      const before = this.#open;
      const trees = [...step.closed, ...step.open];
      const now = trees.map((tree, index) => (before[index] ? patch(before[index], tree) : this.#append(create(tree))));
      for (const node of before.slice(now.length)) node.remove();
      this.#closed.push(...now.splice(0, step.closed.length));
      this.#open = now;
    }
    return step.cost;
  }

  #append(node) {
    let group = this.element.lastChild;
    if (!group || group.childElementCount >= GROUP) {
      group = document.createElement("div");
      this.element.append(group);
    }
    group.append(node);
    return node;
  }
}
