// What the page makes of Markdown, kind or hostile, in a browser.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import * as browsing from './lib/browser.mjs';
import { HOSTILE } from './lib/hostile.mjs';
import { fresh, startServer } from './lib/server.mjs';

const { answer, ended, lastAnswer, read, say, selected, selectWord, shoot } = browsing;

/** So long may the page not answer, in ms: many times what it takes on a busy machine, and a part of what it took. */
const BLOCKED = 1_500;

let server;
let browser;
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'actorstream-page-'));
  server = await startServer();
  browser = await browsing.launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await rm(folder, { recursive: true });
});

const open = (t, options) => browsing.open(t, browser, server.url, options);

/** Waits until the answer has ended and all of it is shown. What looks at the roles of elements would keep the page busy. */
const settled = page => page.waitForFunction(() => document.getElementById('messages').ariaBusy === 'false', null, { polling: 100, timeout: 120_000 });

for (const [name, make] of Object.entries(HOSTILE)) {
  test(`the page answers while it shows ${name}, and after a reload`, async t => {
    const file = join(folder, `${fresh('hostile')}.md`);
    await writeFile(file, make());
    const page = await open(t);
    await say(page, `file ${file}`);
    for (const when of ['as it comes', 'after a reload']) {
      const begin = Date.now();
      await settled(page);
      const took = Date.now() - begin;
      const blocked = await page.evaluate(() => globalThis.longestBlock);
      const elements = await page.evaluate(() => document.getElementsByTagName('*').length);
      t.diagnostic(`${when}: ${Math.round(blocked)} ms, ${elements} elements, all after ${took} ms`);
      assert.ok(blocked < BLOCKED, `${when}: the page was blocked for ${Math.round(blocked)} ms`);
      // It can still be used.
      await page.locator('#input').fill('words');
      assert.equal(await page.locator('#input').inputValue(), 'words');
      await page.locator('#input').fill('');
      if (when === 'as it comes') await page.reload();
    }
    await page.locator('#input').fill('echo **next**');
    await page.locator('#input').press('Enter');
    await page.locator('.message:last-child strong').waitFor();
  });
}

test('tables keep their words whole and their columns aligned, and are scrolled, not the page', async t => {
  const page = await open(t, { viewport: { width: 400, height: 700 } });
  const words = 'internationalization and extraordinarily incomprehensible';
  const table = `| left | middle | right |\n|:--|:-:|--:|\n| ${words} | ${words} | ${words} |\n| a | b<br>c | d |\n`;
  await say(page, `echo ${table}`);
  await ended(page);
  const cells = lastAnswer(page).locator('tbody tr').first().locator('td');
  assert.deepEqual(await cells.evaluateAll(cells => cells.map(cell => getComputedStyle(cell).textAlign)), ['left', 'center', 'right']);
  // Each word is on one line.
  const broken = await cells.first().evaluate(cell => {
    const text = cell.firstChild;
    return [...text.data.matchAll(/\S+/g)].filter(({ 0: word, index }) => {
      const range = document.createRange();
      range.setStart(text, index);
      range.setEnd(text, index + word.length);
      return range.getClientRects().length > 1;
    }).map(([word]) => word);
  });
  assert.deepEqual(broken, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  const region = lastAnswer(page).getByRole('region', { name: 'Table' });
  assert.ok(await region.evaluate(region => region.scrollWidth > region.clientWidth));
  // By the keyboard.
  await region.focus();
  for (let times = 0; times < 5; times++) await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => document.querySelector('.table').scrollLeft > 0);
  await shoot(page, 'table-narrow');
});

test('the items of task lists have boxes', async t => {
  const page = await open(t);
  await say(page, 'echo - [x] done\n- [ ] to *do*\n- [link](https://a.example)\n  1. [X] inner\n');
  await ended(page);
  const boxes = lastAnswer(page).getByRole('checkbox');
  assert.deepEqual(await boxes.evaluateAll(boxes => boxes.map(box => [box.checked, box.disabled])), [[true, true], [false, true], [true, true]]);
  assert.ok(!(await read(page)).includes('['));
  await shoot(page, 'tasks');
});

test('links lead to what they name, and nothing else is one', async t => {
  const page = await open(t);
  const requests = [];
  page.on('request', request => requests.push(request.url()));
  const links = [
    '[a](javascript:alert(1))', '[b](JaVaScRiPt:alert(1))', '[c](java\tscript:alert(1))', '[d](&#106;avascript:alert(1))',
    '[e](data:text/html,<script>alert(1)</script>)', '[f](vbscript:x)', '[g](//evil.example)', '[h](file:///etc/passwd)',
    '[i](\u0001javascript:alert(1))', '<javascript:alert(1)>', '[j]', '![k](https://evil.example/k.png)',
    '![l](javascript:alert(1))', '<a href="javascript:alert(1)">m</a>', '<img src=x onerror=alert(1)>',
    '[n](https://good.example "title")', '<https://auto.example/>', 'https://bare.example/x', '[o](mailto:a@b.example)',
    '<svg onload=alert(1)>', '<b onclick=alert(1)>p</b>', '[q](blob:https://x)', '[r](intent://x)', '![s](data:image/svg+xml;base64,AAAA)',
    '[t](<java\nscript:alert(1)>)', '<style>*{display:none}</style>', '<form action=//evil.example><input name=q></form>',
  ];
  await say(page, `echo ${links.join('\n\n')}\n\n[j]: javascript:alert(1)\n`);
  await ended(page);
  await answer(page, 'bare.example');
  const found = await lastAnswer(page).locator('a').evaluateAll(links => links.map(link => link.getAttribute('href')));
  assert.deepEqual(found, ['https://evil.example/k.png', 'https://good.example', 'https://auto.example/', 'https://bare.example/x', 'mailto:a@b.example']);
  const rels = await lastAnswer(page).locator('a').evaluateAll(links => links.map(link => `${link.target} ${link.rel}`));
  assert.deepEqual(new Set(rels), new Set(['_blank noopener noreferrer nofollow']));
  const made = await lastAnswer(page).locator('script, img, iframe, svg, style, form, input, [onclick], [onerror]').count();
  assert.equal(made, 0);
  assert.deepEqual(requests.filter(url => !url.startsWith(server.url)), []);
});

test('a selection stays while the answer grows, in the open block too', async t => {
  const page = await open(t);
  const gate = fresh('pieces');
  await say(page, `pieces ${gate} first paragraph\n\nsecond§ goes on **and\n§ on**, and\n\n| a |§\n|---|\n| b |\n\n> quote`);
  await answer(page, 'second');
  const steps = ['1', '2', '3', 'end'];
  const pieces = ['goes on', 'on', 'b', 'quote'];
  await selectWord(page, 'first paragraph');
  assert.equal(await selected(page), 'first');
  for (const [index, step] of steps.entries()) {
    await server.open(`${gate}-${step}`);
    if (index < 3) await answer(page, pieces[index]);
    else await ended(page);
    assert.equal(await selected(page), 'first', `after step ${step}`);
  }
  // The same in the block that is open.
  const other = fresh('pieces');
  await say(page, `pieces ${other} - item one\n- item§ two\n- three§ and\n\n  four§`);
  await answer(page, 'item');
  await selectWord(page, 'item one');
  assert.equal(await selected(page), 'item');
  for (const step of ['1', '2', '3', 'end']) await server.open(`${other}-${step}`);
  await ended(page);
  await answer(page, 'four');
  // The list is a loose one now, but the words are the same.
  assert.equal((await selected(page)).trim(), 'item');
});

test('only the open block is drawn again', async t => {
  const page = await open(t);
  const gate = fresh('pieces');
  const closed = Array.from({ length: 40 }, (_, number) => `Paragraph ${number} *is closed*.`).join('\n\n');
  await say(page, `pieces ${gate} ${closed}\n\nThe open one§ grows§ and grows`);
  await answer(page, 'The open one');
  await page.evaluate(() => {
    globalThis.changed = [];
    new MutationObserver(changes => {
      for (const { target, addedNodes } of changes) {
        const text = target.nodeType === 3 ? target.data : [...addedNodes].map(node => node.textContent).join();
        globalThis.changed.push(text);
      }
    }).observe(document.querySelector('.message.assistant .text'), { subtree: true, childList: true, characterData: true });
  });
  await server.open(`${gate}-1`);
  await answer(page, 'grows');
  await server.open(`${gate}-2`);
  await answer(page, 'and grows');
  await server.open(`${gate}-end`);
  await ended(page);
  const changed = await page.evaluate(() => globalThis.changed);
  assert.deepEqual(changed.filter(text => !text.startsWith('The open one')), []);
  assert.ok(changed.length >= 2);
});

