// `Chat` of `@ai-sdk/react` over `DefaultChatTransport`, against the relay.
import { lastAssistantMessageIsCompleteWithToolCalls } from 'ai';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSettled, newChat, textOf } from './lib/chats.mjs';
import { cuttingProxy } from './lib/proxy.mjs';
import { STORY, fresh, startServer, until } from './lib/server.mjs';

let server;
before(async () => (server = await startServer()));
after(() => server.stop());

/** Chromium calls a body that breaks a network error, by which the client knows one; Node has another name for it. */
const asInBrowsers = async (url, init) => {
  const response = await fetch(url, init);
  const reader = response.body.getReader();
  const pull = async controller => {
    try {
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    } catch {
      controller.error(new TypeError('network error'));
    }
  };
  return new Response(new ReadableStream({ pull }), response);
};

const chatApi = prefix => `${server.url}/${prefix}/chat`;

for (const prefix of ['api', 'over-responses']) {
  test(`${prefix}: a text, its usage, its end`, async () => {
    const { chat, ends, chunks } = newChat({ api: chatApi(prefix), id: fresh('chat') });
    await chat.sendMessage({ text: 'story' });
    assert.equal(chat.status, 'ready', chat.error);
    assert.equal(textOf(chat.lastMessage), STORY);
    assert.match(chat.lastMessage.id, /^gen_[0-9a-f]{32}$/);
    assert.equal(chat.lastMessage.metadata.usage.totalTokens, 21);
    assert.equal(ends[0].finishReason, 'stop');
    assert.ok(chunks.filter(chunk => chunk.type === 'text-delta').length > 5);
    assertSettled(chat.lastMessage);
  });

  test(`${prefix}: reasoning comes before the text`, async () => {
    const { chat } = newChat({ api: chatApi(prefix), id: fresh('chat') });
    await chat.sendMessage({ text: 'reasoning' });
    const parts = chat.lastMessage.parts.map(part => [part.type, part.text, part.state]);
    assert.deepEqual(parts.slice(1), [
      ['reasoning', 'Let me think.', 'done'],
      ['text', 'I have thought.', 'done'],
    ]);
  });

  test(`${prefix}: a tool that the client runs, and the answer to its result`, async () => {
    const before = (await server.upstream()).requests;
    const calls = [];
    const { chat, ends } = newChat({
      api: chatApi(prefix),
      id: fresh('chat'),
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => {
        calls.push(toolCall);
        void chat.addToolOutput({ tool: 'weather', toolCallId: toolCall.toolCallId, output: { sunny: true } });
      },
    });
    await chat.sendMessage({ text: 'tool' });
    await until(() => ends.length === 2 && chat.status === 'ready');
    assert.deepEqual(calls.map(call => [call.toolName, call.input]), [['weather', { city: 'Rome' }]]);
    assert.equal(ends[0].finishReason, 'tool-calls');
    assert.equal(textOf(chat.lastMessage), 'It is sunny in Rome.');
    const tool = chat.lastMessage.parts.find(part => part.type === 'tool-weather');
    assert.deepEqual([tool.state, tool.output], ['output-available', { sunny: true }]);
    assert.equal((await server.upstream()).requests, before + 2);
  });

  for (const [text, message, partial] of [
    ['fails', /The model fell over/, 'Half an answer'],
    ['broken', /./, 'Half an answer'],
    ['refused', /The model does not take this/, ''],
  ]) {
    test(`${prefix}: an answer that ${text} is an error, and what came is kept`, async () => {
      const { chat, ends, chunks } = newChat({ api: chatApi(prefix), id: fresh('chat') });
      await chat.sendMessage({ text });
      assert.equal(chat.status, 'error');
      assert.match(chat.error.message, message);
      assert.equal(ends[0].isError, true);
      if (partial) {
        assert.ok(partial.startsWith(textOf(chat.lastMessage)) && textOf(chat.lastMessage) !== '');
        assertSettled(chat.lastMessage);
        assert.equal(chunks.filter(chunk => chunk.type === 'error').length, 1);
      }
    });
  }

  test(`${prefix}: a reload in mid-sentence, and two viewers`, async () => {
    const [id, gate] = [fresh('chat'), fresh('gate')];
    const first = newChat({ api: chatApi(prefix), id });
    const sent = first.chat.sendMessage({ text: `gated ${gate}` });
    await until(() => prefix !== 'api' || textOf(first.chat.lastMessage) !== '');
    await until(() => first.chat.lastMessage.role === 'assistant');

    const user = first.chat.messages[0];
    const second = newChat({ api: chatApi(prefix), id, messages: [user] });
    const resumed = second.chat.resumeStream();
    await until(() => second.chat.lastMessage.role === 'assistant');
    assert.ok(['submitted', 'streaming'].includes(second.chat.status));
    await server.open(gate);
    await Promise.all([sent, resumed]);
    for (const { chat } of [first, second]) {
      assert.equal(chat.status, 'ready', chat.error);
      assert.equal(chat.messages.length, 2);
      assert.equal(textOf(chat.lastMessage), STORY);
    }
    assert.deepEqual(second.chat.lastMessage, first.chat.lastMessage);
    assert.deepEqual(second.chunks, first.chunks);

    // Nothing runs any more: there is nothing to resume.
    const third = newChat({ api: chatApi(prefix), id, messages: [user] });
    await third.chat.resumeStream();
    assert.equal(third.chat.status, 'ready');
    assert.deepEqual([third.chat.messages.length, third.chunks.length], [1, 0]);
  });

  test(`${prefix}: a connection that breaks, and breaks again`, async () => {
    const proxy = await cuttingProxy(new URL(server.url), [1500, 3000]);
    const { chat, ends } = newChat({ api: `${proxy.url}/${prefix}/chat`, id: fresh('chat'), fetch: asInBrowsers });
    await chat.sendMessage({ text: 'long 3000' });
    assert.deepEqual([chat.status, ends.at(-1).isDisconnect, proxy.drops()], ['error', true, 1]);
    assert.match(textOf(chat.lastMessage), /^(word )+$/);
    await chat.resumeStream();
    assert.deepEqual([chat.status, ends.at(-1).isDisconnect, proxy.drops()], ['error', true, 2]);
    await chat.resumeStream();
    assert.equal(chat.status, 'ready', chat.error);
    assert.deepEqual(chat.messages.map(message => message.role), ['user', 'assistant']);
    assert.deepEqual(chat.lastMessage.parts.map(part => part.type), ['step-start', 'text']);
    assert.equal(textOf(chat.lastMessage), 'word '.repeat(3000));
    proxy.stop();
  });

  test(`${prefix}: a viewer that leaves does not end the answer`, async () => {
    const [id, gate] = [fresh('chat'), fresh('gate')];
    const first = newChat({ api: chatApi(prefix), id });
    const sent = first.chat.sendMessage({ text: `gated ${gate}` });
    await until(() => first.chunks.length > 0);
    await first.chat.stop();
    await sent;
    assert.equal(first.chat.status, 'ready');

    const second = newChat({ api: chatApi(prefix), id, messages: [first.chat.messages[0]] });
    const resumed = second.chat.resumeStream();
    await until(() => second.chunks.length > 0);
    await server.open(gate);
    await resumed;
    assert.equal(textOf(second.chat.lastMessage), STORY);
  });

  test(`${prefix}: stop stops it for all viewers and upstream, and keeps what came`, async () => {
    const [id, gate] = [fresh('chat'), fresh('gate')];
    const first = newChat({ api: chatApi(prefix), id });
    const sent = first.chat.sendMessage({ text: `gated ${gate}` });
    await until(() => first.chunks.length > 0);
    const second = newChat({ api: chatApi(prefix), id, messages: [first.chat.messages[0]] });
    const resumed = second.chat.resumeStream();
    await until(() => second.chunks.length > 0);
    await until(async () => (await server.upstream()).open > 0);

    const stopped = await fetch(`${chatApi(prefix)}/${id}/stop`, { method: 'POST' });
    assert.equal(stopped.status, 202);
    await Promise.all([sent, resumed]);
    for (const { chat, chunks } of [first, second]) {
      assert.equal(chat.status, 'ready');
      assert.equal(chunks.at(-1).type, 'abort');
      assert.ok(STORY.startsWith(textOf(chat.lastMessage)) && textOf(chat.lastMessage).length < STORY.length);
    }
    assert.deepEqual(second.chunks, first.chunks);
  });
}

test('the connection to upstream is closed when an answer is stopped', async () => {
  // Idle connections are kept by the client of upstream; what counts is that none is left in a silent answer.
  const [id, gate] = [fresh('chat'), fresh('gate')];
  const { chat, chunks } = newChat({ api: chatApi('api'), id });
  const before = (await server.upstream()).open;
  const sent = chat.sendMessage({ text: `gated ${gate}` });
  await until(() => chunks.some(chunk => chunk.type === 'text-delta'));
  const during = (await server.upstream()).open;
  await fetch(`${chatApi('api')}/${id}/stop`, { method: 'POST' });
  await sent;
  await until(async () => (await server.upstream()).open < Math.max(during, before + 1));
});

test('arguments that are no JSON are an error of the call', async () => {
  const { chat, ends } = newChat({ api: chatApi('api'), id: fresh('chat') });
  await chat.sendMessage({ text: 'nonsense' });
  const tool = chat.lastMessage.parts.find(part => part.type === 'tool-weather');
  assert.deepEqual([tool.state, tool.input], ['output-error', '{"city":oops']);
  assert.equal(ends[0].finishReason, 'tool-calls');
});

test('a service that runs the tool, and adds data, sources and files', async () => {
  const { chat, data } = newChat({ api: chatApi('service'), id: fresh('chat') });
  await chat.sendMessage({ text: 'tool' });
  assert.equal(chat.status, 'ready', chat.error);
  const of = type => chat.lastMessage.parts.filter(part => part.type === type);
  assert.deepEqual(of('tool-weather').map(part => [part.state, part.input, part.output]), [
    ['output-available', { city: 'Rome' }, { sunny: true }],
  ]);
  assert.deepEqual(of('data-progress').map(part => part.data), [{ percent: 100 }]);
  assert.deepEqual(data.map(part => part.data.percent), [50, 100]);
  assert.deepEqual(of('source-url').map(part => part.title), ['Weather']);
  assert.deepEqual(of('file').map(part => part.mediaType), ['text/plain']);
});

test('sources that the model cites', async () => {
  const { chat } = newChat({ api: chatApi('over-responses'), id: fresh('chat') });
  await chat.sendMessage({ text: 'cites' });
  const sources = chat.lastMessage.parts.filter(part => part.type === 'source-url');
  assert.deepEqual(sources.map(part => [part.url, part.title]), [['https://a.example', 'A']]);
});

test('the same message sent again starts nothing twice; regenerate starts anew', async () => {
  const [id, gate] = [fresh('chat'), fresh('gate')];
  const before = (await server.upstream()).requests;
  const first = newChat({ api: chatApi('api'), id });
  const sent = first.chat.sendMessage({ text: `gated ${gate}` });
  await until(() => first.chunks.length > 0);
  const body = JSON.stringify({ id, messages: first.chat.messages.slice(0, 1), trigger: 'submit-message' });
  const again = fetch(chatApi('api'), { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  await server.open(gate);
  const text = await (await again).text();
  await sent;
  assert.ok(text.includes(first.chat.lastMessage.id));
  assert.equal((await server.upstream()).requests, before + 1);

  const answer = first.chat.lastMessage.id;
  await first.chat.regenerate();
  assert.notEqual(first.chat.lastMessage.id, answer);
  assert.equal(textOf(first.chat.lastMessage), STORY);
  assert.equal(first.chat.messages.length, 2);
  assert.equal((await server.upstream()).requests, before + 2);
});

test("another user's chat is not there", async () => {
  const [id, gate] = [fresh('chat'), fresh('gate')];
  const mine = newChat({ api: chatApi('api'), id, headers: { 'x-user': 'ann' } });
  const sent = mine.chat.sendMessage({ text: `gated ${gate}` });
  await until(() => mine.chunks.length > 0);
  const theirs = newChat({ api: chatApi('api'), id, headers: { 'x-user': 'bob' } });
  await theirs.chat.resumeStream();
  assert.deepEqual([theirs.chat.status, theirs.chunks.length], ['ready', 0]);
  const stop = await fetch(`${chatApi('api')}/${id}/stop`, { method: 'POST', headers: { 'x-user': 'bob' } });
  assert.equal(stop.status, 404);
  await server.open(gate);
  await sent;
  assert.equal(textOf(mine.chat.lastMessage), STORY);
});

test('a request that is none says what is wrong', async () => {
  const body = '{"id":"c","messages":[{"role":"user"}]}';
  const response = await fetch(chatApi('api'), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  assert.equal(response.status, 400);
  assert.match(await response.text(), /messages\[0\]\.id: a string is missing/);
});
