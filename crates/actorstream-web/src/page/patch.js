// Makes elements what a tree of markdown.js says, and leaves alone what is so already: a selection, and a place that is
// scrolled to, stay.

export function create(tree) {
  if (typeof tree === "string") return document.createTextNode(tree);
  const node = document.createElement(tree.name);
  for (const [name, value] of Object.entries(tree.attributes)) node.setAttribute(name, value);
  node.append(...tree.children.map(create));
  return node;
}

/** Changes a text where it differs alone: what is selected before that stays selected. */
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

/** Makes what is in an element what the trees say. */
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

/** Makes a node what a tree says. Gives the node, which is another one if it has to be. */
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
