// What the encoder sends for every scene (tests/fixtures/protocols), read by the stock client.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { assertSettled, newChat, textOf } from './lib/chats.mjs';

const folder = new URL('../fixtures/protocols/', import.meta.url);

function sections(file) {
  const parts = readFileSync(new URL(file, folder), 'utf8').split(/^==== (\w+)\n/m).slice(1);
  const named = {};
  for (let at = 0; at < parts.length; at += 2) named[parts[at]] = parts[at + 1];
  return named;
}

const files = readdirSync(folder);
assert.ok(files.length > 20);

for (const file of files) {
  const { UiMessage, Text } = sections(file);
  const fetch = async () => new Response(`${UiMessage}\n\n`, { headers: { 'content-type': 'text/event-stream' } });

  for (const resumed of [false, true]) {
    test(`${file}${resumed ? ', resumed' : ''}`, async () => {
      const user = { id: 'u', role: 'user', parts: [{ type: 'text', text: 'Hello' }] };
      const { chat, ends, chunks } = newChat({ api: 'http://stub', id: 'c', fetch, messages: resumed ? [user] : [] });
      await (resumed ? chat.resumeStream() : chat.sendMessage({ text: 'Hello' }));

      const message = chat.lastMessage;
      assert.equal(message.id, 'gen_1');
      assert.equal(message.role, 'assistant');
      assert.equal(ends.length, 1);
      const error = chunks.find(chunk => chunk.type === 'error');
      if (error) {
        assert.equal(chat.status, 'error');
        assert.equal(chat.error.message, error.errorText);
      } else {
        assert.equal(chat.error, undefined);
        assert.equal(chat.status, 'ready');
        const finish = chunks.find(chunk => chunk.type === 'finish');
        assert.equal(ends[0].finishReason, finish?.finishReason);
        assert.ok(finish || chunks.some(chunk => chunk.type === 'abort'));
        assert.deepEqual(message.metadata, (finish ?? chunks.find(c => c.type === 'message-metadata'))?.messageMetadata);
      }
      assertSettled(message);
      // What the plain text says, but for what it says of void texts and errors.
      const plain = Text.split('[the answer begins again]').at(-1).split('[error: ')[0];
      assert.equal(textOf(message).replaceAll('\n', ''), plain.replaceAll('\n', ''));
    });
  }
}

test('parts of the service and of hosted tools', async () => {
  const read = async file => {
    const fetch = async () => new Response(`${sections(file).UiMessage}\n\n`);
    const { chat, data } = newChat({ api: 'http://stub', id: 'c', fetch });
    await chat.sendMessage({ text: 'Hello' });
    return { parts: chat.lastMessage.parts, data };
  };
  const of = (parts, type) => parts.filter(part => part.type === type);

  const service = await read('tools_that_the_service_runs.txt');
  assert.deepEqual(of(service.parts, 'tool-weather').map(part => [part.state, part.output]), [
    ['output-available', { sun: true }],
    ['input-available', undefined],
  ]);
  assert.equal(of(service.parts, 'tool-clock')[0].errorText, 'The clock stands still.');
  assert.deepEqual(of(service.parts, 'data-progress').map(part => part.data), [{ percent: 100 }]);
  assert.deepEqual(service.data.map(part => part.data.percent), [50, 100]);
  assert.equal(of(service.parts, 'step-start').length, 3);

  const { parts } = await read('response_with_everything.txt');
  const [hosted] = of(parts, 'dynamic-tool');
  assert.deepEqual([hosted.toolName, hosted.state, hosted.output, hosted.providerExecuted], ['ask', 'output-available', '42', true]);
  assert.deepEqual([of(parts, 'tool-sql')[0].input], ['SELECT 1']);
  assert.deepEqual(of(parts, 'source-url').map(part => [part.url, part.title]), [
    ['https://a.example', 'A'],
    ['https://b.example', undefined],
  ]);
  assert.equal(of(parts, 'file')[0].url, 'data:image/jpeg;base64,QUJD');

  const broken = of((await read('tools.txt')).parts, 'tool-broken')[0];
  assert.deepEqual([broken.state, broken.input], ['output-error', '{oops']);

  const again = await read('begun_again.txt');
  assert.deepEqual(again.parts.map(part => part.type), ['step-start', 'text', 'tool-weather']);
});
