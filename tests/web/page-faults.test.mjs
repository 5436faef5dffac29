// What the page does when the server, the network or the browser fails it.
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { after, before, test } from 'node:test';
import * as browsing from './lib/browser.mjs';
import { fresh, startServer, until } from './lib/server.mjs';

const { answer, ended, focused, lastAnswer, say, shoot } = browsing;

let browser;

before(async () => {
  browser = await browsing.launch();
});

after(() => browser?.close());

/** A server of the test's own, and the page on it. */
async function opened(t, { host, ...options } = {}) {
  const server = await startServer();
  t.after(() => server.stop());
  const url = host ? server.url.replace('127.0.0.1', host) : server.url;
  return { server, page: await browsing.open(t, browser, url, options) };
}

const stopButton = page => page.getByRole('button', { name: 'Stop' });

test('the page works without a secure context', async t => {
  const { server, page } = await opened(t, { host: 'lan.example' });
  assert.equal(await page.evaluate(() => isSecureContext), false);
  assert.equal(await page.evaluate(() => typeof crypto.randomUUID), 'undefined');
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  await server.open(gate);
  await answer(page, 'found the sea');
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.locator('.message').first().waitFor({ state: 'detached' });
  await say(page, 'echo *again*');
  await answer(page, 'again');
});

test('the page works where nothing can be stored', async t => {
  const { server, page } = await opened(t);
  const context = page.context();
  await context.addInitScript(() => {
    Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new DOMException('denied', 'SecurityError'); } });
  });
  const other = await context.newPage();
  await other.goto(server.url);
  await say(other, 'echo *kept as long as the page*');
  await ended(other);
  await answer(other, 'kept as long');
});

test('what is stored and no chat is left out', async t => {
  const { page } = await opened(t);
  for (const kept of ['{', 'null', '[]', '{"messages":[{}]}', '{"messages":"x"}', '{"messages":[{"role":"user","parts":[null]}]}']) {
    await page.evaluate(kept => localStorage.setItem(`actorstream:${location.hash.slice(1)}`, kept), kept);
    await page.reload();
    await say(page, 'echo *here*');
    await ended(page);
    await answer(page, 'here');
    assert.equal(await page.locator('.message').count(), 2, kept);
  }
});

test('a killed server is told within two seconds, and stop acts at once', async t => {
  const { server, page } = await opened(t);
  await say(page, `gated ${fresh('page')}`);
  await answer(page, 'Once upon a');
  await server.stop();
  await page.getByRole('status').getByText('Reconnecting…').waitFor({ timeout: 2_000 });
  await shoot(page, 'reconnecting');
  await stopButton(page).click();
  await answer(page, 'Stopped here. The server could not be told');
  await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: 1_000 });
  await answer(page, 'Once upon a');
  assert.equal(await page.getByText('Reconnecting…').count(), 0);
  assert.equal(await focused(page), 'input');
});

test('stop acts within two seconds on a server that does not answer', async t => {
  const { server, page } = await opened(t);
  await say(page, `gated ${fresh('page')}`);
  await answer(page, 'Once upon a');
  process.kill(server.pid, 'SIGSTOP');
  await stopButton(page).click();
  await answer(page, 'Stopped here.');
  await page.getByRole('button', { name: 'Send' }).waitFor({ timeout: 1_000 });
  // Once it can, it is told.
  process.kill(server.pid, 'SIGCONT');
  await answer(page, /^Stopped\.$/);
  await until(async () => (await server.upstream()).open === 0, 'upstream is closed');
});

test('what is asked after a stop here is not stopped', async t => {
  const { server, page } = await opened(t);
  await page.route('**/stop', route => route.abort());
  await say(page, `gated ${fresh('page')}`);
  await answer(page, 'Once upon a');
  await stopButton(page).click();
  await answer(page, 'Stopped here.');
  const gate = fresh('page');
  await say(page, `pieces ${gate} *more*§ and the end`);
  await answer(page, 'more');
  await page.unroute('**/stop');
  const stops = [];
  page.on('request', request => request.url().endsWith('/stop') && stops.push(request.url()));
  await page.waitForTimeout(3_000);
  assert.deepEqual(stops, []);
  await server.open(`${gate}-1`);
  await server.open(`${gate}-end`);
  await answer(page, 'and the end');
});

test('the focus stays in the page by keyboard: send, stop, try again', async t => {
  const { page } = await opened(t);
  await page.getByRole('textbox').fill(`gated ${fresh('page')}`);
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'send');
  await page.keyboard.press('Enter');
  await answer(page, 'Once upon a');
  assert.equal(await focused(page), 'input');
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'stop');
  await page.keyboard.press('Space');
  await answer(page, 'Stopped.');
  await ended(page);
  assert.equal(await focused(page), 'input');
  await say(page, 'fails');
  const again = page.getByRole('button', { name: 'Try again' });
  await again.focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'input');
  await again.waitFor();
});

test('the focus is in the input when the answer ends under the stop button', async t => {
  const { server, page } = await opened(t);
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  await stopButton(page).focus();
  await server.open(gate);
  await ended(page);
  assert.equal(await focused(page), 'input');
});

/** A proxy before the server, as applications and operators have them: it answers what `intercept` says, if it does. */
async function proxied(t, server, intercept) {
  const proxy = createServer((incoming, outgoing) => {
    const own = intercept(incoming);
    if (own) {
      outgoing.writeHead(own.status, own.headers).end(own.body);
      return;
    }
    const { hostname, port } = new URL(server.url);
    const { method, url: path, headers } = incoming;
    const passed = request({ hostname, port, method, path, headers }, answer => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${proxy.address().port}`;
}

const unauthorized = {
  status: 401,
  headers: { 'www-authenticate': 'Bearer', 'content-type': 'application/json' },
  body: '{"error":{"message":"a token is needed","type":"invalid_request_error","param":null,"code":null}}',
};

test('a token is asked for once, and kept for all tabs', async t => {
  const server = await startServer();
  t.after(() => server.stop());
  let token = 'right-1';
  const url = await proxied(t, server, ({ url, headers }) =>
    url.startsWith('/api') && headers.authorization !== `Bearer ${token}` ? unauthorized : null,
  );
  const page = await browsing.open(t, browser, url);
  await say(page, 'echo *first*');
  const field = page.getByLabel('This server wants a token');
  await field.waitFor();
  await shoot(page, 'token');
  assert.equal(await focused(page), 'token');
  for (const wrong of ['wrong', 'with space', 'ключ', '']) {
    await field.fill(wrong);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(/does not take this token|letters, digits and signs/).waitFor();
  }
  await field.fill('right-1');
  await page.keyboard.press('Enter');
  await ended(page);
  await answer(page, 'first');
  assert.equal(await focused(page), 'input');
  await page.reload();
  await say(page, 'echo *second*');
  await answer(page, 'second');
  const other = await page.context().newPage();
  await other.goto(page.url());
  await say(other, 'echo *third*');
  await answer(other, 'third');
  // It is asked for again when it is another one.
  token = 'right-2';
  await say(other, 'echo *fourth*');
  await other.getByLabel('This server wants a token').fill('right-2');
  await other.keyboard.press('Enter');
  await answer(other, 'fourth');
});

test('a 401 that wants no bearer token is an error', async t => {
  const server = await startServer();
  t.after(() => server.stop());
  const url = await proxied(t, server, ({ url }) =>
    url.startsWith('/api') ? { status: 401, headers: {}, body: 'log in first' } : null,
  );
  const page = await browsing.open(t, browser, url);
  await say(page, 'echo x');
  await page.getByRole('alert').getByText('log in first').waitFor();
  assert.ok(await page.getByLabel('This server wants a token').isHidden());
});

test('a proxy that has lost the server is waited for', async t => {
  const server = await startServer();
  t.after(() => server.stop());
  let isAway = false;
  const away = { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>502 Bad Gateway</h1>' };
  const url = await proxied(t, server, () => (isAway ? away : null));
  const page = await browsing.open(t, browser, url);
  isAway = true;
  const { requests } = await server.upstream();
  await say(page, 'echo *it is back*');
  await page.getByRole('status').getByText('Reconnecting…').waitFor({ timeout: 2_000 });
  isAway = false;
  await ended(page);
  await answer(page, 'it is back');
  assert.equal(await page.getByRole('alert').getByText('502').count(), 0);
  assert.equal((await server.upstream()).requests, requests + 1);
});

test('an answer that was lost is read on when it is tried again', async t => {
  const { server, page } = await opened(t);
  await page.clock.install();
  const gate = fresh('page');
  await say(page, `gated ${gate}`);
  await answer(page, 'Once upon a');
  const { requests } = await server.upstream();
  await page.route('**/api/chat/**', route => route.abort());
  process.kill(server.pid, 'SIGSTOP');
  await page.clock.runFor(45_000);
  await page.getByRole('status').getByText('Reconnecting…').waitFor();
  await page.clock.runFor(150_000);
  await page.getByRole('alert').getByText('The connection to the server was lost.').waitFor();
  await answer(page, 'Once upon a');
  process.kill(server.pid, 'SIGCONT');
  await page.unroute('**/api/chat/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await answer(page, 'Once upon a');
  await server.open(gate);
  await page.clock.runFor(1_000);
  await answer(page, 'found the sea');
  assert.equal((await server.upstream()).requests, requests, 'it was not asked again');
});

/** Has the server answer with these chunks of the AI SDK's protocol. */
async function answering(page, chunks) {
  const events = [...chunks, { type: 'finish' }].map(chunk => `data: ${JSON.stringify(chunk)}\n\n`);
  const body = `${events.join('')}data: [DONE]\n\n`;
  await page.route('**/api/chat', route => route.fulfill({ contentType: 'text/event-stream', body }));
}

test('an answer of too many parts, sources or words in one of them does not keep the page busy', async t => {
  const { page } = await opened(t);
  const long = 'x'.repeat(3_000_000);
  await answering(page, [
    ...Array.from({ length: 20_000 }, (_, number) => ({ type: 'source-url', sourceId: `${number}`, url: `https://a.example/${number}`, title: `Source ${number}` })),
    { type: 'source-url', url: `https://a.example/${long}`, title: long },
    { type: 'tool-input-start', toolCallId: 't', toolName: 'tool' },
    { type: 'tool-input-delta', toolCallId: 't', inputTextDelta: long },
    { type: 'tool-output-available', toolCallId: 't', output: { long } },
    ...Array.from({ length: 20_000 }, (_, number) => [
      { type: 'text-start', id: `${number}` },
      { type: 'text-delta', id: `${number}`, delta: `Part ${number}` },
      { type: 'text-end', id: `${number}` },
    ]).flat(),
    { type: 'error', errorText: long },
  ]);
  await say(page, 'x');
  await page.getByText('more parts are not shown.').waitFor();
  await page.getByText('more sources are not shown.').waitFor();
  await page.waitForFunction(() => document.getElementById('messages').ariaBusy === 'false');
  const blocked = await page.evaluate(() => globalThis.longestBlock);
  t.diagnostic(`${Math.round(blocked)} ms`);
  assert.ok(blocked < 3_000, `the page was blocked for ${Math.round(blocked)} ms`);
  await answer(page, 'Part 7');
});

test('a chat of any name does not touch the token', async t => {
  const { server, page } = await opened(t);
  await page.evaluate(() => localStorage.setItem('actorstream.token', 'kept'));
  for (const name of ['token', '.token', '../stop', '__proto__']) {
    await page.goto(`${server.url}/#${name}`);
    await say(page, 'echo *here*');
    await ended(page);
    await answer(page, 'here');
    await page.reload();
    await answer(page, 'here');
    assert.equal(await page.locator('.message').count(), 2, name);
  }
  assert.equal(await page.evaluate(() => localStorage.getItem('actorstream.token')), 'kept');
});
