// Updates elements to match a tree of markdown.js. Nodes that already match are not touched, so selections and scroll
// positions are kept.

export function create(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const node = document.createElement(tree.name);
  for (const [name, value] of Object.entries(tree.attributes)) node.setAttribute(name, value);
  node.append(...tree.children.map(create));
  return node;
}

/** Changes only the differing part of a text, so that a selection before it is kept. */
export function patchText(node, text) {
  const old = node.data;
  if (old === text) return;
  let same = 0;
  if (text.startsWith(old)) same = old.length;
  else while (same < old.length && old[same] === text[same]) same += 1;
  node.replaceData(same, old.length - same, text.slice(same));
}

function patchAttributes(node, attributes) {
  for (const name of node.getAttributeNames()) if (!(name in attributes)) node.removeAttribute(name);
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
}

/** Updates the children of an element to match the trees. */
function patchAll(into, trees) {
  let node = into.firstChild;
  for (const tree of trees) {
    const next = node?.nextSibling ?? null;
    if (node) patch(node, tree);
    else into.append(create(tree));
    node = next;
  }
  while (node) {
    const next = node.nextSibling;
    node.remove();
    node = next;
  }
}

/** Updates a node to match a tree. Returns the node, which is replaced if necessary. */
export function patch(node, tree) {
  if (typeof tree === "string" && node.nodeType === Node.TEXT_NODE) {
    patchText(node, tree);
  } else if (node.nodeType === Node.ELEMENT_NODE && node.localName === tree.name) {
    patchAttributes(node, tree.attributes);
    patchAll(node, tree.children);
  } else {
    const made = create(tree);
    node.replaceWith(made);
    return made;
  }
  return node;
}
