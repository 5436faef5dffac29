// npm `eventsource` behind a proxy that cuts its connection again and again.
import { EventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { checked } from './lib/chats.mjs';
import { cuttingProxy } from './lib/proxy.mjs';
import { fresh, startServer } from './lib/server.mjs';

const DROPS = 200;

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

/** Has the client come back at once; what it is told otherwise is the server's. */
const atOnce = async (url, init) => {
  const response = await fetch(url, init);
  if (response.status !== 200) return response;
  const retry = new TransformStream({ start: controller => controller.enqueue(new TextEncoder().encode('retry: 1\n\n')) });
  return new Response(response.body.pipeThrough(retry), response);
};

/** Reads to the end, where the server answers 204 and the client gives up. */
function readAll(url) {
  const got = [];
  const source = new EventSource(url, { fetch: atOnce });
  return new Promise((resolve, reject) => {
    const note = event => got.push({ id: event.lastEventId, event: event.type, data: event.data });
    source.onmessage = note;
    for (const type of ['response.created', 'response.in_progress', 'response.output_item.added', 'response.output_item.done',
      'response.content_part.added', 'response.content_part.done', 'response.output_text.delta',
      'response.output_text.done', 'response.completed']) {
      source.addEventListener(type, note);
    }
    source.onerror = event => {
      if (source.readyState !== EventSource.CLOSED) return;
      if (event.code === 204) resolve(got);
      else reject(new Error(`${event.code} ${event.message}`));
    };
  });
}

/** The same, in one piece. */
async function readWhole(url) {
  const got = [];
  const response = await fetch(url);
  assert.equal(response.status, 200);
  const parser = createParser({ onEvent: ({ id, event, data }) => got.push({ id, event: event ?? 'message', data }) });
  parser.feed(await response.text());
  return got;
}

/** Where connections are cut: from within the head on. */
function cutPlaces(seed, bytes) {
  const places = [];
  for (let at = 0; at < DROPS; at++) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    places.push(400 + (seed % bytes));
  }
  return places;
}

async function dropTest(begin, path, check) {
  const seed = Number(process.env.SEED ?? Date.now() % 100000);
  console.log(`SEED=${seed}`);
  const streamPath = path(await begin());
  const proxy = await cuttingProxy(new URL(server.url), cutPlaces(seed, 2500));
  try {
    const got = await readAll(proxy.url + streamPath);
    assert.equal(proxy.drops(), DROPS);
    const whole = await readWhole(`${server.url}${streamPath}?after=0`);
    assert.deepEqual(got.map(event => event.id), whole.map(event => event.id));
    assert.deepEqual(got, whole);
    assert.equal(new Set(got.map(event => event.id)).size, got.length);
    await check(got);
  } finally {
    proxy.stop();
  }
}

test(`the AI SDK's stream over ${DROPS} drops: no gap, nothing twice`, async () => {
  const id = fresh('chat');
  const begin = async () => {
    const messages = [{ id: 'u', role: 'user', parts: [{ type: 'text', text: 'long 8000' }] }];
    const response = await fetch(`${server.url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id, messages }),
    });
    assert.equal(response.status, 200);
    await response.body.cancel();
    return id;
  };
  await dropTest(begin, id => `/api/chat/${id}/stream`, async got => {
    assert.equal(got.at(-1).data, '[DONE]');
    const chunks = got.slice(0, -1).map(event => JSON.parse(event.data));
    for (const chunk of chunks) await checked(chunk);
    const text = chunks.filter(chunk => chunk.type === 'text-delta').map(chunk => chunk.delta).join('');
    assert.equal(text, 'word '.repeat(8000));
  });
});

for (const [path, body, textOf, last] of [
  ['chat/completions', { messages: [{ role: 'user', content: 'long 4000' }] }, chunk => chunk.choices?.[0]?.delta?.content ?? '', '[DONE]'],
  ['responses', { input: 'long 4000' }, event => (event.type === 'response.output_text.delta' ? event.delta : ''), undefined],
]) {
  test(`OpenAI's stream of ${path} over ${DROPS} drops: no gap, nothing twice`, async () => {
    const begin = async () => {
      const response = await fetch(`${server.url}/api/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream: true, ...body }),
      });
      assert.equal(response.status, 200);
      await response.body.cancel();
      return response.headers.get('x-generation-id');
    };
    await dropTest(begin, id => `/api/v1/generations/${id}/stream`, got => {
      const events = last ? got.slice(0, -1) : got;
      if (last) assert.equal(got.at(-1).data, last);
      assert.equal(events.map(event => textOf(JSON.parse(event.data))).join(''), 'word '.repeat(4000));
    });
  });
}
