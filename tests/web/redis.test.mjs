// Two instances on one Redis: stock clients go from one to the other and notice nothing.
import { EventSource } from 'eventsource';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newChat, textOf } from './lib/chats.mjs';
import { startInstance, startRedis, startUpstream, words } from './lib/instances.mjs';
import { startNginx } from './lib/nginx.mjs';
import { cuttingProxy } from './lib/proxy.mjs';
import { fresh, until } from './lib/server.mjs';

const DROPS = 1000;
const COUNT = 12_000;

let redis, upstream, a, b;

before(async () => {
  [redis, upstream] = await Promise.all([startRedis(), startUpstream()]);
  [a, b] = await Promise.all([startInstance(redis, upstream), startInstance(redis, upstream)]);
});
after(async () => {
  await Promise.all([a?.stop(), b?.stop()]);
  upstream?.stop();
  await redis?.stop();
});

/** The same Redis, with keys that no other instance looks after: one of another policy would take an orphan over first. */
const apart = () => ({ url: `${redis.url}?prefix=${fresh('apart')}` });

const say = text => [{ id: 'u', role: 'user', parts: [{ type: 'text', text }] }];

/** Begins an answer, of which nothing is read. */
async function begin(instance, id, text, headers = {}) {
  const response = await fetch(`${instance.url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ id, messages: say(text), trigger: 'submit-message' }),
  });
  assert.equal(response.status, 200);
  await response.body.cancel();
}

/** So many places within these bytes. */
function places(count, least, more) {
  let seed = Number(process.env.SEED ?? Date.now() % 100000);
  console.log(`SEED=${seed}`);
  return Array.from({ length: count }, () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return least + (seed % more);
  });
}

test(`EventSource over ${DROPS} drops between two instances: ids dense, text equal`, async () => {
  const id = fresh('chat');
  await begin(a, id, `long ${COUNT}`);
  const cuts = places(DROPS, 400, 1000);
  // The first one is behind an event: a client without an id is a new one, for which an answer that is over is none.
  cuts[0] += 1000;
  const proxy = await cuttingProxy([new URL(b.url), new URL(a.url)], cuts);
  try {
    const got = await new Promise((resolve, reject) => {
      const events = [];
      const fetchAtOnce = async (url, init) => {
        const response = await fetch(url, init);
        if (response.status !== 200) return response;
        const retry = new TransformStream({ start: stream => stream.enqueue(new TextEncoder().encode('retry: 1\n\n')) });
        return new Response(response.body.pipeThrough(retry), response);
      };
      const source = new EventSource(`${proxy.url}/api/chat/${id}/stream`, { fetch: fetchAtOnce });
      source.onmessage = event => events.push({ id: event.lastEventId, data: event.data });
      source.onerror = event => {
        if (source.readyState !== EventSource.CLOSED) return;
        if (event.code === 204) resolve(events);
        else reject(new Error(`${event.code} ${event.message}`));
      };
    });
    assert.equal(proxy.drops(), DROPS);
    assert.equal(new Set(got.map(event => event.id)).size, got.length, 'nothing comes twice');
    const numbers = [...new Set(got.map(event => Number(event.id.split('.')[1])))];
    // All but that of the chunk with the finish reason, which is shown with the end.
    const shown = Array.from({ length: numbers.at(-1) }, (_, index) => index + 1);
    shown.splice(-2, 1);
    assert.deepEqual(numbers, shown, 'no number is left out');
    assert.equal(got.at(-1).data, '[DONE]');
    const chunks = got.slice(0, -1).map(event => JSON.parse(event.data));
    const text = chunks.filter(chunk => chunk.type === 'text-delta').map(chunk => chunk.delta).join('');
    assert.equal(text, words(COUNT).join(''));
    assert.equal(upstream.asked(), 1, 'upstream was asked once');
  } finally {
    proxy.stop();
  }
});

test(`the AI SDK over ${DROPS} drops between two instances has the whole text in the end`, async () => {
  const count = 6000;
  const proxy = await cuttingProxy([new URL(a.url), new URL(b.url)], places(DROPS, 600, 3000));
  try {
    const { chat, chunks } = newChat({ api: `${proxy.url}/api/chat`, id: fresh('chat') });
    await chat.sendMessage({ text: `slow ${count}` });
    while (proxy.drops() < DROPS) {
      chunks.length = 0;
      await chat.resumeStream();
    }
    chunks.length = 0;
    await chat.resumeStream();
    assert.equal(chunks.at(-1).type, 'finish');
    assert.equal(textOf(chat.lastMessage), words(count).join(''));
    assert.equal(chat.messages.length, 2);
  } finally {
    proxy.stop();
  }
});

test('an instance that is killed is replaced: the AI SDK shows the whole text', async t => {
  const options = ['--lease', '1', '--takeover', 'restart'];
  const shared = apart();
  const [first, second] = await Promise.all([
    startInstance(shared, upstream, ...options),
    startInstance(shared, upstream, ...options),
  ]);
  t.after(() => Promise.all([first.stop(), second.stop()]));
  const id = fresh('chat');
  await begin(first, id, 'slow 150');
  const { chat, chunks } = newChat({ api: `${second.url}/api/chat`, id, messages: say('slow 150') });
  const reading = chat.resumeStream();
  await until(() => textOf(chat.lastMessage).includes('word20'), 'the viewer reads');
  first.signal('SIGKILL');
  await reading;
  assert.ok(chunks.some(chunk => chunk.type === 'reset-step'), 'it begins again');
  assert.equal(textOf(chat.lastMessage), words(150).join(''));
});

test('stop on one instance closes the upstream of the other', async () => {
  const id = fresh('chat');
  await until(() => upstream.open() === 0, 'upstream is idle');
  await begin(a, id, 'slow 100000');
  await until(() => upstream.open() === 1, 'upstream is asked');
  const stopped = await fetch(`${b.url}/api/chat/${id}/stop`, { method: 'POST' });
  assert.equal(stopped.status, 202);
  await until(() => upstream.open() === 0, 'upstream is closed');
});

test('three instances behind nginx as scale-out.md configures it, one of which is killed', async t => {
  // A proxy sends its requests for others, so that they need a token.
  const token = 'a-token-of-this-test';
  const headers = { authorization: `Bearer ${token}` };
  const options = ['--lease', '1', '--takeover', 'restart', '--token', token];
  const shared = apart();
  const instances = await Promise.all([1, 2, 3].map(() => startInstance(shared, upstream, ...options)));
  const nginx = await startNginx(instances);
  t.after(async () => {
    await nginx.stop();
    await Promise.all(instances.map(instance => instance.stop()));
  });
  const id = fresh('chat');
  await begin(instances[0], id, 'slow 300', headers);
  // More viewers than instances, and nginx takes them in turn.
  const viewers = Array.from({ length: 6 }, () =>
    newChat({ api: `${nginx.url}/api/chat`, id, headers, messages: say('slow 300') }),
  );
  const read = async ({ chat, chunks }) => {
    // One that reads on the instance that is killed is cut off, and comes back by another.
    for (let tries = 0; chunks.at(-1)?.type !== 'finish'; tries++) {
      assert.ok(tries < 100, `it comes to its end: ${chat.error}`);
      chunks.length = 0;
      await chat.resumeStream();
    }
    return textOf(chat.lastMessage);
  };
  const reading = viewers.map(read);
  await until(() => viewers.every(({ chat }) => textOf(chat.lastMessage).includes('word20')), 'all read');
  instances[0].signal('SIGKILL');
  for (const text of await Promise.all(reading)) {
    assert.equal(text, words(300).join(''));
  }
});

test('an instance is ready while its Redis answers, and says at once that it does not', async t => {
  const own = await startRedis();
  const instance = await startInstance(own, upstream);
  t.after(() => Promise.all([instance.stop(), own.stop()]));
  const ready = async () => (await fetch(`${instance.url}/readyz`)).status;
  assert.equal(await ready(), 200);
  await own.kill();
  for (let tries = 0; tries < 3; tries++) {
    assert.equal(await ready(), 503);
    assert.equal((await fetch(`${instance.url}/healthz`)).status, 200);
    const asked = upstream.asked();
    const start = performance.now();
    const refused = await fetch(`${instance.url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: fresh('chat'), messages: say('long 1'), trigger: 'submit-message' }),
    });
    const time = performance.now() - start;
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    // It is a second at most; the rest is for a busy machine.
    assert.ok(time < 5000, `it took ${time} ms`);
    assert.equal(upstream.asked(), asked);
  }
  await own.restart();
  await until(async () => (await ready()) === 200, 'it is ready again');
  await begin(instance, fresh('chat'), 'long 1');
});

test('a Redis that may drop keys is warned of in the log', async t => {
  const own = await startRedis('--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru');
  const instance = await startInstance(own, upstream, '--log', 'json');
  t.after(() => Promise.all([instance.stop(), own.stop()]));
  await until(() => instance.log.some(line => line.includes('noeviction')), 'there is a warning');
  const line = JSON.parse(instance.log.find(line => line.includes('noeviction')));
  assert.equal(line.level, 'WARN');
});
