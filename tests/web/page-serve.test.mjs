// The pages on `actorstream serve` as it is: its own page from another machine, and the useChat page as its README starts it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { createInterface } from 'node:readline';
import * as browsing from './lib/browser.mjs';
import { freePort } from './lib/instances.mjs';
import { until } from './lib/server.mjs';

const { answer, ended, say, shoot } = browsing;

let browser;

before(async () => {
  browser = await browsing.launch();
});

after(() => browser?.close());

/** Starts `actorstream serve` with the built-in scripted upstream. */
async function serve(t, ...options) {
  const binary = process.env.ACTORSTREAM;
  if (!binary) throw new Error('ACTORSTREAM must name the program actorstream; tests/web/run.sh sets it');
  const { OPENAI_API_KEY, OPENAI_BASE_URL, ...env } = process.env;
  const child = spawn(binary, ['serve', '--port', '0', ...options], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  const said = [];
  for await (const line of createInterface(child.stderr)) {
    said.push(line);
    const address = /listening on http:\/\/[^\s,]*:(\d+)/.exec(line);
    if (address) return Number(address[1]);
  }
  throw new Error(`serve does not listen: ${said.join('\n')}`);
}

test('with a token the page works from another machine, and asks for it once', async t => {
  const token = 'a-token-that-is-long-enough-for-anybody';
  const port = await serve(t, '--host', '0.0.0.0', '--token', token, '--allow-host', 'lan.example');
  const page = await browsing.open(t, browser, `http://lan.example:${port}/`);
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await say(page, 'Tell me a story');
  await page.getByLabel('This server wants a token').fill(token);
  await page.keyboard.press('Enter');
  await answer(page, /\w+/);
  await page.reload();
  await ended(page);
  await say(page, 'And another one');
  await page.locator('.message.assistant').nth(1).getByText(/\w+/).first().waitFor();
  await ended(page);
  assert.ok(await page.getByLabel('This server wants a token').isHidden());
  await page.getByRole('button', { name: 'New chat' }).click();
  await say(page, 'A third');
  await answer(page, /\w+/);
  await page.getByRole('button', { name: 'Stop' }).click();
  await answer(page, 'Stopped.');
});

test('without a token the page works on this machine, by each of its names', async t => {
  const port = await serve(t);
  for (const host of ['127.0.0.1', 'localhost']) {
    const page = await browsing.open(t, browser, `http://${host}:${port}/`);
    await say(page, 'Tell me a story');
    await answer(page, /\w+/);
    assert.ok(await page.getByLabel('This server wants a token').isHidden());
  }
});

test('the useChat page sends its messages through `npm run dev`, and other sites do not', async t => {
  const relay = await serve(t);
  const port = await freePort();
  const vite = spawn('npm', ['run', 'dev', '--', '--host', '127.0.0.1', '--port', String(port), '--strictPort'], {
    cwd: new URL('../../examples/use-chat/', import.meta.url),
    env: { ...process.env, RELAY: `http://127.0.0.1:${relay}` },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  t.after(() => process.kill(-vite.pid));
  const url = `http://127.0.0.1:${port}`;
  await until(() => fetch(url).then(answer => answer.ok, () => false), 'the page is served');
  const page = await (await browser.newContext()).newPage();
  t.after(() => page.context().close());
  await page.goto(url);
  await page.getByRole('textbox').fill('Tell me a story');
  await page.keyboard.press('Enter');
  await page.locator('li.assistant').getByText(/\w+/).first().waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByRole('button', { name: 'Send' }).waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
  await shoot(page, 'use-chat-dev');
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${relay}`]) {
    const headers = { 'content-type': 'application/json', origin };
    const refused = await fetch(`${url}/api/chat`, { method: 'POST', headers, body: '{"id":"c","messages":[]}' });
    assert.equal(refused.status, 403, origin);
  }
});
