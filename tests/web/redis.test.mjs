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

const say = text => [{ id: 'u', role: 'user', parts: [{ type: 'text', text }] }];

/** Begins an answer, of which nothing is read. */
async function begin(instance, id, text) {
  const response = await fetch(`${instance.url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
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
  const proxy = await cuttingProxy([new URL(b.url), new URL(a.url)], places(DROPS, 400, 1000));
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
    assert.deepEqual(numbers, numbers.map((_, index) => index + 1), 'no number is left out');
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
  const [first, second] = await Promise.all([
    startInstance(redis, upstream, ...options),
    startInstance(redis, upstream, ...options),
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
  const options = ['--lease', '1', '--takeover', 'restart'];
  const instances = await Promise.all([1, 2, 3].map(() => startInstance(redis, upstream, ...options)));
  const nginx = await startNginx(instances);
  t.after(async () => {
    await nginx.stop();
    await Promise.all(instances.map(instance => instance.stop()));
  });
  const id = fresh('chat');
  await begin(instances[0], id, 'slow 300');
  // More viewers than instances, and nginx takes them in turn.
  const viewers = Array.from({ length: 6 }, () => newChat({ api: `${nginx.url}/api/chat`, id, messages: say('slow 300') }));
  const read = async ({ chat, chunks }) => {
    // One that reads on the instance that is killed is cut off, and comes back by another.
    for (let tries = 0; chunks.at(-1)?.type !== 'finish'; tries++) {
      assert.ok(tries < 100, 'it comes to its end');
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
