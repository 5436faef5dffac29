// The chat page, and the useChat page, in a browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { after, before, test } from 'node:test';
import * as browsing from './lib/browser.mjs';
import { fresh, startServer, STORY, until } from './lib/server.mjs';

const { answer, read, say, shoot } = browsing;

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await browsing.launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const open = (t, options) => browsing.open(t, browser, server.url, options);

test('the text grows, and is whole', async t => {
  const page = await open(t);
  await shoot(page, 'empty');
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  assert.ok(!(await read(page)).includes('sea'));
  assert.ok(await page.getByRole('button', { name: 'Stop' }).isVisible());
  await shoot(page, 'growing');
  await server.open(gate);
  await answer(page, 'found the sea');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  // Markdown joins no lines: what was a line stays one.
  assert.equal((await read(page)).replaceAll('\n', ' ').trim(), STORY.replaceAll('\n', ' '));
});

test('a reload in the middle goes on, and after the end all is there', async t => {
  const page = await open(t);
  const gate = fresh('page');
  const { requests } = await server.upstream();
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  await page.reload();
  await answer(page, 'Once upon a');
  await server.open(gate);
  await answer(page, 'found the sea');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await page.reload();
  await answer(page, 'found the sea');
  assert.equal(await page.locator('.message').count(), 2);
  assert.equal((await server.upstream()).requests, requests + 1, 'a reload asks nothing again');
});

test('an answer that ends while nobody looks is there afterwards', async t => {
  const page = await open(t);
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  const address = page.url();
  await page.goto('about:blank');
  await server.open(gate);
  await until(async () => (await server.upstream()).open === 0, 'upstream is done');
  await page.goto(address);
  await answer(page, 'found the sea');
});

test('stop keeps what has come', async t => {
  const page = await open(t);
  await say(page, `gated ${fresh('page')}`);
  await answer(page, 'Once upon a');
  await page.getByRole('button', { name: 'Stop' }).click();
  await answer(page, 'Stopped.');
  await answer(page, 'Once upon a');
  await until(async () => (await server.upstream()).open === 0, 'upstream is closed');
  await shoot(page, 'stopped');
  await page.reload();
  await answer(page, 'Stopped.');
});

test('two tabs see the same', async t => {
  const page = await open(t);
  const other = await page.context().newPage();
  await other.goto(page.url());
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  await answer(other, 'Once upon a');
  await server.open(gate);
  await answer(page, 'found the sea');
  await answer(other, 'found the sea');
  assert.equal(await read(page), await read(other));
  assert.equal(await other.locator('.message').count(), 2);
});

test('an error is a message, and can be tried again', async t => {
  const page = await open(t);
  await say(page, 'refused');
  await page.getByRole('alert').getByText('The model does not take this.').waitFor();
  await shoot(page, 'error');
  await say(page, 'fails');
  await answer(page, 'Half an');
  await page.getByRole('alert').getByText('The model fell over.').waitFor();
  const { requests } = await server.upstream();
  await page.getByRole('button', { name: 'Try again' }).last().click();
  await until(async () => (await server.upstream()).requests === requests + 1, 'it is asked again');
  await page.getByRole('alert').getByText('The model fell over.').waitFor();
});

test('reasoning, tools and Markdown are shown; what is dangerous is not', async t => {
  const page = await open(t, { colorScheme: 'dark' });
  await say(page, 'reasoning');
  await answer(page, 'I have thought.');
  await page.getByText('Thoughts').click();
  await page.getByText('Let me think.').waitFor();
  await say(page, 'tool');
  await page.getByText(/Calls weather/).waitFor();
  await say(page, 'markdown');
  const shown = page.locator('.message.assistant').last();
  await shown.getByRole('heading', { name: 'A title' }).waitFor();
  assert.equal(await shown.locator('pre code').innerText(), 'let x = 1;\n');
  assert.equal(await shown.getByRole('link', { name: 'a page' }).getAttribute('rel'), 'noopener noreferrer nofollow');
  assert.equal(await shown.getByRole('row').count(), 2);
  assert.equal(await shown.locator('script, img, iframe, [onerror], [href^="javascript"]').count(), 0);
  assert.equal(await page.evaluate(() => globalThis.broken), undefined);
  await shoot(page, 'markdown-dark');
});

test('it fits a phone', async t => {
  const page = await open(t, { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true });
  await say(page, 'markdown');
  await page.getByRole('heading', { name: 'A title' }).waitFor();
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wider <= 0, `${wider} px wider than the screen`);
  await shoot(page, 'phone');
});

test('a lost connection goes on by itself', async t => {
  const page = await open(t);
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  await page.context().setOffline(true);
  await page.context().setOffline(false);
  await server.open(gate);
  await answer(page, 'found the sea');
  await page.getByRole('button', { name: 'Send' }).waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
});

/** A port that is free now. */
async function freePort() {
  const socket = createServer();
  await new Promise(resolve => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise(resolve => socket.close(resolve));
  return port;
}

test('useChat, unchanged, on the same server', async t => {
  const port = await freePort();
  const vite = spawn('npx', ['vite', 'preview', '--host', '127.0.0.1', '--port', String(port), '--strictPort'], {
    cwd: new URL('../../examples/use-chat/', import.meta.url),
    env: { ...process.env, RELAY: server.url },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  t.after(() => process.kill(-vite.pid));
  const url = `http://127.0.0.1:${port}/`;
  await until(() => fetch(url).then(answer => answer.ok, () => false), 'the page is served');
  const page = await (await browser.newContext()).newPage();
  t.after(() => page.context().close());
  await page.goto(url);
  const gate = fresh('page');
  const send = async text => {
    await page.getByRole('textbox').fill(text);
    await page.keyboard.press('Enter');
  };
  await send(`gated ${gate}`);
  await page.locator('li.assistant').getByText('Once upon a').waitFor();
  await page.reload();
  await page.locator('li.assistant').getByText('Once upon a').waitFor();
  await server.open(gate);
  await page.locator('li.assistant').getByText('found the sea').waitFor();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await send(`gated ${fresh('page')}`);
  await page.locator('li.assistant').nth(1).getByText('Once upon a').waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  await send('refused');
  await page.getByRole('alert').getByText('The model does not take this.').waitFor();
  await shoot(page, 'use-chat');
});
