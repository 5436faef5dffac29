// The AI SDK with the relay as its provider (`@ai-sdk/openai`).
import { createOpenAI } from '@ai-sdk/openai';
import { isStepCount, jsonSchema, streamText, tool } from 'ai';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { STORY, startServer } from './lib/server.mjs';

let server, openai;
before(async () => {
  server = await startServer();
  openai = createOpenAI({ baseURL: `${server.url}/api/v1`, apiKey: 'sk-of-the-client' });
});
after(() => server.stop());

const MODELS = {
  chat: () => openai.chat('gpt-4.1'),
  responses: () => openai.responses('gpt-4.1'),
};
const ask = (model, prompt, more) => {
  const errors = [];
  const result = streamText({ model, prompt, maxRetries: 0, onError: ({ error }) => errors.push(error), ...more });
  return { result, errors };
};

for (const [name, model] of Object.entries(MODELS)) {
  test(`${name}: a text`, async () => {
    const { result, errors } = ask(model(), 'story');
    assert.equal(await result.text, STORY);
    assert.deepEqual([await result.finishReason, (await result.usage).totalTokens, errors.length], ['stop', 21, 0]);
  });

  test(`${name}: a tool, and the answer to its result`, async () => {
    const weather = tool({
      inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } } }),
      execute: async ({ city }) => ({ city, sunny: true }),
    });
    const { result, errors } = ask(model(), 'tool', { tools: { weather }, stopWhen: isStepCount(3) });
    assert.equal(await result.text, 'It is sunny in Rome.');
    const steps = await result.steps;
    assert.deepEqual(steps.map(step => step.finishReason), ['tool-calls', 'stop']);
    assert.deepEqual(steps[0].toolResults[0].output, { city: 'Rome', sunny: true });
    assert.equal(errors.length, 0);
  });

  test(`${name}: errors`, async () => {
    for (const [prompt, message] of [['refused', /The model does not take this/], ['fails', /The model fell over/], ['broken', /./]]) {
      const { result, errors } = ask(model(), prompt);
      await result.consumeStream();
      assert.equal(errors.length, 1, prompt);
      const error = errors[0];
      assert.match(String(error.message ?? JSON.stringify(error)), message);
    }
  });
}

test('responses: reasoning and sources', async () => {
  const reasoned = ask(MODELS.responses(), 'reasoning');
  assert.equal(await reasoned.result.reasoningText, 'Let me think.');
  const cited = ask(MODELS.responses(), 'cites');
  assert.deepEqual((await cited.result.sources).map(source => source.url), ['https://a.example']);
});

test('completions: a text', async () => {
  const { result, errors } = ask(openai.completion('gpt-3.5-turbo-instruct'), 'story');
  // The provider writes the prompt in a form of its own; whatever is asked, the script tells its story.
  assert.equal(await result.text, STORY);
  assert.equal(errors.length, 0);
});
