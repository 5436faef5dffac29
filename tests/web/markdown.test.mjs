// The page's Markdown without a browser: what becomes of a text, and that it costs as much as the text is long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOSTILE } from './lib/hostile.mjs';
import { add, Blocks, events, MAX_COLUMNS, MAX_DEPTH, MAX_ELEMENTS, MAX_STEP, WINDOW } from './lib/page-modules.mjs';

/** Shows a text as it grows by `chunk` characters at a time; whole at once with none. */
function shown(text, chunk) {
  const blocks = new Blocks();
  const closed = [];
  let open = [];
  let costliest = 0;
  const run = () => {
    for (let step; (step = blocks.step()); ) {
      closed.push(...step.closed);
      open = step.open;
      for (const [index, tree] of step.again) closed[index] = tree;
      costliest = Math.max(costliest, step.cost);
    }
  };
  for (let end = chunk; end < text.length; end += chunk) {
    blocks.grow(text.slice(0, end), false);
    run();
  }
  blocks.grow(text, true);
  run();
  return { trees: [...closed, ...open], parsed: blocks.parsed, costliest };
}

const html = tree =>
  typeof tree === 'string'
    ? tree
    : `<${tree.name}${Object.entries(tree.attributes).map(([name, value]) => ` ${name}="${value}"`).join('')}>${tree.children.map(html).join('')}</${tree.name}>`;
const markup = (text, chunk) => shown(text, chunk).trees.map(html).join('\n');
const words = tree => (typeof tree === 'string' ? tree : tree.children.map(words).join(tree.name === 'td' ? ' ' : ''));

/** The depth of a tree, and the number of its elements. */
function size(tree) {
  let elements = 0;
  let depth = 0;
  const stack = [[tree, 1]];
  while (stack.length > 0) {
    const [node, level] = stack.pop();
    if (typeof node === 'string') continue;
    elements += 1;
    depth = Math.max(depth, level);
    for (const child of node.children) stack.push([child, level + 1]);
  }
  return { elements, depth };
}

/** Numbers that are the same for the same seed, below 1. */
function random(seed) {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

const PIECES = [
  '# h\n', '- a\n', '  - b\n', '1. x\n', '2) y\n', '\n', '\n\n', '> q\n', '```js\n', 'code\n', '```\n', '|a|b|\n', '|-|:-:|\n',
  '|1|2|\n', 'text ', '**b** ', '*i* ', '`c`', '[r] ', '[r][s] ', '[r]: http://a.example\n', '[s]: http://s.example "x"\n',
  '---\n', '===\n', '    indented\n', '- [ ] t\n', '- [x] d\n', '<br>', '<b>', '</b>', '~~s~~', 'https://u.example ',
  '![p](http://p.example)', '\r\n', '\r', '\\', '#', '-', '1', '+ p\n', '* ', '😀', '\t', '<!-- x -->\n', '&amp;', '\0',
];

test('a text that grows ends as the one that came at once', t => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  const next = random(seed);
  for (let run = 0; run < 1500; run++) {
    const text = Array.from({ length: 1 + next() * 30 }, () => PIECES[Math.floor(next() * PIECES.length)]).join('');
    const whole = markup(text);
    for (const chunk of [1, 1 + Math.floor(next() * 9)]) {
      assert.equal(markup(text, chunk), whole, `${JSON.stringify(text)} by ${chunk}`);
    }
  }
});

test('what is parsed is in proportion to the text, whatever stands in it', () => {
  for (const [name, make] of Object.entries(HOSTILE)) {
    const text = make();
    const { trees, parsed, costliest } = shown(text);
    assert.ok(parsed <= 3 * text.length + WINDOW, `${name}: ${parsed} parsed of ${text.length}`);
    assert.ok(costliest <= 2 * MAX_STEP + 1, `${name}: a step of ${costliest}`);
    const sizes = trees.map(size);
    const elements = sizes.reduce((sum, { elements }) => sum + elements, 0);
    assert.ok(elements <= 2 * MAX_ELEMENTS, `${name}: ${elements} elements`);
    assert.ok(Math.max(0, ...sizes.map(({ depth }) => depth)) <= MAX_DEPTH + 4, name);
  }
});

test('as a text grows, only what is open is parsed again', () => {
  const paragraphs = Array.from({ length: 400 }, (_, number) => `Paragraph ${number} of *some* words.\n\n`).join('');
  const chunk = 20;
  const { parsed } = shown(paragraphs, chunk);
  // Each paragraph twice, about: itself, and once more with what follows, for each of its chunks.
  assert.ok(parsed < 8 * paragraphs.length, `${parsed} of ${paragraphs.length}`);
  // One block without an end is cut, so that what is open stays small.
  const list = '- an item of a list\n'.repeat(10_000);
  const steps = Math.ceil(list.length / 500);
  assert.ok(shown(list, 500).parsed < steps * WINDOW + 3 * list.length);
});

test('nothing of a text is lost where it is cut', () => {
  const numbers = Array.from({ length: 9_000 }, (_, number) => `w${number}`);
  const everyWord = text => shown(text).trees.map(words).join(' ').match(/w\d+/g);
  assert.deepEqual(everyWord(numbers.join(' ')), numbers);
  assert.deepEqual(everyWord(numbers.join('\n')), numbers);
  assert.deepEqual(everyWord(numbers.join('\n\n')), numbers);
  assert.deepEqual(everyWord(numbers.map(word => `- ${word}`).join('\n')), numbers);
  assert.deepEqual(everyWord(numbers.map(word => `> ${word}`).join('\n')), numbers);
  assert.deepEqual(everyWord(`\`\`\`\n${numbers.join('\n')}\n\`\`\`\n`), numbers);
  assert.deepEqual(everyWord(`| head |\n|--|\n${numbers.map(word => `| ${word} |`).join('\n')}\n`), numbers);
  // Where it is nested too deeply, too.
  assert.deepEqual(everyWord(`${numbers.slice(0, 100).map((word, depth) => `${'  '.repeat(depth)}- ${word}`).join('\n')}`), numbers.slice(0, 100));
  assert.deepEqual(everyWord(`${'> '.repeat(500)}w0`), ['w0']);
});

test('the pieces of a long block are of its kind', () => {
  const code = shown(`\`\`\`rust\n${'let x = 1;\n'.repeat(5_000)}\`\`\`\nafter\n`).trees;
  assert.ok(code.length > 3);
  assert.deepEqual(new Set(code.slice(0, -1).map(tree => tree.name)), new Set(['pre']));
  assert.equal(html(code.at(-1)), '<p>after</p>');
  const table = shown(`|a|b|\n|-|-:|\n${'|one|two|\n'.repeat(3_000)}\nafter\n`).trees;
  assert.ok(table.length > 3);
  assert.deepEqual(new Set(table.slice(0, -1).map(tree => tree.children[0].name)), new Set(['table']));
  assert.equal(table.slice(0, -1).filter(tree => html(tree).includes('<thead>')).length, 1);
  assert.match(html(table.at(-2)), /<td class="right">two/);
  const list = shown(`${Array.from({ length: 5_000 }, (_, number) => `${number + 1}. item`).join('\n')}\n`).trees;
  assert.ok(list.length > 3);
  const starts = list.slice(1).map(tree => Number(tree.attributes.start));
  assert.ok(starts.every((start, index) => start > (starts[index - 1] ?? 1)));
});

test('what is defined late is found in the end', () => {
  const text = 'See [the page].\n\nMore.\n\n[the page]: https://a.example "title"\n';
  assert.match(markup(text, 1), /<p>See <a href="https:\/\/a.example" title="title" target="_blank" rel="noopener noreferrer nofollow">the page<\/a>/);
});

test('HTML is text, but for what stands in the middle of one without attributes', () => {
  assert.equal(markup('a <b>bold</b> x<sub>1</sub>\n'), '<p>a <b>bold</b> x<sub>1</sub></p>');
  assert.equal(markup('a <b>bold'), '<p>a <b>bold</b></p>');
  assert.equal(markup('*a <b>c*</b>'), '<p><em>a <b>c</b></em></b></p>');
  assert.equal(markup('<b onclick="x">a</b>'), '<p><b onclick="x">a</b></p>');
  const { trees } = shown('<b onclick="x">a</b>');
  assert.deepEqual(trees[0].children, ['<b onclick="x">a</b>']);
  assert.deepEqual(shown('<div>\n<script>x</script>\n</div>\n').trees[0].children.filter(child => typeof child === 'string').join(''), '<div><script>x</script></div>');
});

test('a table that is too wide is its source', () => {
  const row = columns => `|${'a|'.repeat(columns)}\n|${'-|'.repeat(columns)}\n`;
  assert.equal(shown(row(MAX_COLUMNS)).trees[0].children[0].name, 'table');
  assert.equal(shown(row(MAX_COLUMNS + 10)).trees[0].name, 'p');
});

test('events are read however they are cut', async () => {
  const bytes = new TextEncoder().encode(`: ping\n\nid: g.1\ndata: {"a":"😀"}\n\ndata: ${'x'.repeat(20_000)}\n\ndata: [DONE]\n\n`);
  for (const size of [1, 7, 4_096, bytes.length]) {
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const found = [];
    for await (const event of events(body)) found.push(event);
    assert.deepEqual(found.map(({ data }) => data.length), ['{"a":"😀"}'.length, 20_000, 6]);
    assert.deepEqual(found.map(({ id }) => id), ['g.1', 'g.1', 'g.1']);
  }
});

test('a chunk of what never began changes nothing', () => {
  const message = { id: '', role: 'assistant', parts: [] };
  for (const type of ['text-delta', 'text-end', 'reasoning-delta', 'reasoning-end', 'tool-input-delta', 'tool-output-available', 'tool-output-error', 'reset-step', 'unheard-of', undefined]) {
    add(message, { type, id: 'x', toolCallId: 'x', delta: 'x', inputTextDelta: 'x' });
  }
  assert.deepEqual(message.parts, []);
});
