// npm `openai` with the relay as its base URL.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import OpenAI from 'openai';
import { STORY, fresh, startServer, until } from './lib/server.mjs';

let server, openai;
before(async () => {
  server = await startServer();
  openai = new OpenAI({ baseURL: `${server.url}/api/v1`, apiKey: 'sk-of-the-client', maxRetries: 0 });
});
after(() => server.stop());

const chat = text => ({ model: 'gpt-4.1', messages: [{ role: 'user', content: text }] });
const response = text => ({ model: 'gpt-4.1', input: text });
const all = async stream => {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
};

test('a chat completion, streamed and not', async () => {
  const chunks = await all(await openai.chat.completions.create({ ...chat('story'), stream: true }));
  assert.equal(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join(''), STORY);
  assert.equal(chunks.find(chunk => chunk.choices[0]?.finish_reason).choices[0].finish_reason, 'stop');
  const whole = await openai.chat.completions.create(chat('story'));
  assert.equal(whole.choices[0].message.content, STORY);
  assert.equal(whole.object, 'chat.completion');
  assert.equal(whole.usage.total_tokens, 21);
});

test('tools of a chat completion, by the helper', async () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
  const stream = openai.chat.completions.stream({ ...chat('tool'), tools });
  const { choices: [{ message, finish_reason }] } = await stream.finalChatCompletion();
  assert.equal(finish_reason, 'tool_calls');
  const [call] = message.tool_calls;
  assert.deepEqual([call.id, call.function.name, JSON.parse(call.function.arguments)], ['call_1', 'weather', { city: 'Rome' }]);
  const messages = [...chat('tool').messages, message, { role: 'tool', tool_call_id: call.id, content: 'sunny' }];
  const answer = await openai.chat.completions.create({ model: 'gpt-4.1', messages, tools });
  assert.equal(answer.choices[0].message.content, 'It is sunny in Rome.');
});

test('a text completion, streamed and not', async () => {
  const request = { model: 'gpt-3.5-turbo-instruct', prompt: 'story' };
  const chunks = await all(await openai.completions.create({ ...request, stream: true }));
  assert.equal(chunks.map(chunk => chunk.choices[0]?.text ?? '').join(''), STORY);
  assert.equal((await openai.completions.create(request)).choices[0].text, STORY);
});

test('a response, streamed, by the helper, and not', async () => {
  const events = await all(await openai.responses.create({ ...response('story'), stream: true }));
  assert.deepEqual(events.map(event => event.sequence_number), events.map((_, index) => index));
  assert.equal(events.at(-1).type, 'response.completed');
  const helped = await openai.responses.stream(response('story')).finalResponse();
  assert.equal(helped.output_text, STORY);
  const whole = await openai.responses.create(response('story'));
  assert.deepEqual([whole.output_text, whole.status, whole.usage.total_tokens], [STORY, 'completed', 21]);
});

test('reasoning and tools of a response', async () => {
  const reasoned = await openai.responses.stream(response('reasoning')).finalResponse();
  assert.equal(reasoned.output[0].summary[0].text, 'Let me think.');
  const called = await openai.responses.stream(response('tool')).finalResponse();
  const [call] = called.output;
  assert.deepEqual([call.type, call.name, JSON.parse(call.arguments)], ['function_call', 'weather', { city: 'Rome' }]);
  const input = [{ role: 'user', content: 'tool' }, call, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }];
  assert.equal((await openai.responses.create({ model: 'gpt-4.1', input })).output_text, 'It is sunny in Rome.');
});

test('a response is gone on with after any event', async () => {
  const stream = await openai.responses.create({ ...response('story'), stream: true });
  const events = await all(stream);
  const { id } = events[0].response;
  for (const after of events.keys()) {
    const rest = await all(await openai.responses.retrieve(id, { stream: true, starting_after: after }));
    assert.deepEqual(rest, events.slice(after + 1));
  }
  assert.deepEqual(await all(await openai.responses.retrieve(id, { stream: true })), events);
  assert.equal((await openai.responses.retrieve(id)).output_text, STORY);
});

test('a response that runs is watched by two, and cancelled', async () => {
  const stream = await openai.responses.create({ ...response(`gated ${fresh('gate')}`), stream: true });
  const first = [];
  const reading = (async () => {
    for await (const event of stream) first.push(event);
  })();
  await until(() => first.length === 4);
  const second = await openai.responses.retrieve(first[0].response.id, { stream: true, starting_after: 1 });
  const watching = all(second);
  const cancelled = await openai.responses.cancel(first[0].response.id);
  assert.equal(cancelled.status, 'cancelled');
  await reading;
  const last = first.at(-1);
  assert.deepEqual([last.type, last.response.status], ['response.incomplete', 'cancelled']);
  assert.deepEqual(await watching, first.slice(2));
});

test('errors of chat completions', async () => {
  for (const stream of [true, false]) {
    await assert.rejects(openai.chat.completions.create({ ...chat('refused'), stream }), error => {
      assert.ok(error instanceof OpenAI.APIError);
      assert.match(error.message, /The model does not take this/);
      assert.equal(error.type, 'invalid_request_error');
      assert.equal(error.status, 400);
      return true;
    });
  }
  for (const [text, message] of [['fails', /The model fell over/], ['broken', /./]]) {
    const stream = await openai.chat.completions.create({ ...chat(text), stream: true });
    const chunks = [];
    await assert.rejects(
      async () => {
        for await (const chunk of stream) chunks.push(chunk);
      },
      error => error instanceof OpenAI.APIError && message.test(error.message),
    );
    assert.ok(chunks.length > 0);
    await assert.rejects(openai.chat.completions.create(chat(text)), error => error.status >= 500);
  }
});

test('errors of responses', async () => {
  for (const stream of [true, false]) {
    await assert.rejects(openai.responses.create({ ...response('refused'), stream }), error => {
      assert.equal(error.status, 400);
      assert.match(error.message, /The model does not take this/);
      return true;
    });
  }
  for (const [text, message] of [['fails', /The model fell over/], ['broken', /./]]) {
    const events = await all(await openai.responses.create({ ...response(text), stream: true }));
    const last = events.at(-1);
    assert.deepEqual([last.type, last.response.status], ['response.failed', 'failed']);
    assert.match(last.response.error.message, message);
    assert.equal(last.sequence_number, events.length - 1);
  }
});

test('what is not there is not there', async () => {
  await assert.rejects(openai.responses.retrieve('resp_none'), { status: 404 });
  const { id } = await openai.responses.create(response('story'));
  const other = new OpenAI({ baseURL: `${server.url}/api/v1`, apiKey: 'k', defaultHeaders: { 'x-user': 'bob' }, maxRetries: 0 });
  await assert.rejects(other.responses.retrieve(id), { status: 404 });
  await assert.rejects(other.responses.cancel(id), { status: 404 });
});
