// Chats of `@ai-sdk/react` whose every chunk is checked and noted.
import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport, uiMessageChunkSchema } from 'ai';
import assert from 'node:assert/strict';

const schema = typeof uiMessageChunkSchema === 'function' ? uiMessageChunkSchema() : uiMessageChunkSchema;

/** The chunk, if the schema takes it and loses nothing of it. */
export async function checked(chunk) {
  const result = await schema.validate(chunk);
  assert.ok(result.success, `${JSON.stringify(chunk)}: ${result.error}`);
  assert.deepEqual(result.value, chunk);
  return chunk;
}

/** A transport that checks and notes each chunk before the client gets it. */
export class CheckedTransport extends DefaultChatTransport {
  chunks = [];

  processResponseStream(stream) {
    const { chunks } = this;
    const note = new TransformStream({
      async transform(chunk, controller) {
        chunks.push(await checked(chunk));
        controller.enqueue(chunk);
      },
    });
    return super.processResponseStream(stream).pipeThrough(note);
  }
}

/** A chat, and what it tells: `ends` are what `onFinish` got, `data` what `onData` got. */
export function newChat({ api, id, messages, headers, fetch, ...more }) {
  const transport = new CheckedTransport({ api, headers, fetch });
  const ends = [];
  const data = [];
  const chat = new Chat({
    id,
    messages,
    transport,
    onFinish: end => ends.push(end),
    onData: part => data.push(part),
    ...more,
  });
  return { chat, ends, data, chunks: transport.chunks };
}

/** The text of a message. */
export const textOf = message => (message?.parts ?? []).filter(part => part.type === 'text').map(part => part.text).join('');

/** Whether nothing in a message goes on. */
export function assertSettled(message) {
  for (const part of message.parts) {
    assert.notEqual(part.state, 'streaming', JSON.stringify(part));
    assert.notEqual(part.state, 'input-streaming', JSON.stringify(part));
  }
}
