// The events of the AI SDK's UI message stream, read from a fetched body, and the message that they add up to.

/** Yields the events of an event stream as {id, data}. `onRead` is called whenever data arrives, including comments. */
export async function* events(body, onRead = () => {}) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  // The pieces of an incomplete line, so that a long line is not scanned again with each piece.
  let line = [];
  let id = "";
  let data = [];
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      onRead();
      const pieces = value.split("\n");
      line.push(pieces.shift());
      for (const piece of pieces) {
        const text = line.join("");
        line = [piece];
        if (text.startsWith("data:")) data.push(text.slice(5).trimStart());
        else if (text.startsWith("id:")) id = text.slice(3).trim();
        else if (text === "" && data.length > 0) {
          yield { id, data: data.join("\n") };
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Appends to a part; a part that never began is ignored. */
function grow(part, field, text) {
  if (part && typeof text === "string") part[field] += text;
}
function told(part, output) {
  if (part) part.output = output;
}

/** Adds a chunk to a message. */
export function add(message, chunk) {
  const parts = message.parts;
  const open = (type) => parts.findLast((part) => part.type === type && part.id === chunk.id && part.open);
  const tool = () => parts.find((part) => part.type === "tool" && part.toolCallId === chunk.toolCallId);
  switch (chunk.type) {
    case "start":
      if (chunk.messageId) message.id = chunk.messageId;
      break;
    case "start-step":
      parts.push({ type: "step" });
      break;
    case "reset-step":
      parts.splice(parts.findLastIndex((part) => part.type === "step") + 1);
      break;
    case "text-start":
    case "reasoning-start":
      parts.push({ type: chunk.type.slice(0, -6), id: chunk.id, text: "", open: true });
      break;
    case "text-delta":
      grow(open("text"), "text", chunk.delta);
      break;
    case "reasoning-delta":
      grow(open("reasoning"), "text", chunk.delta);
      break;
    case "text-end":
      delete open("text")?.open;
      break;
    case "reasoning-end":
      delete open("reasoning")?.open;
      break;
    case "tool-input-start":
      parts.push({ type: "tool", toolCallId: chunk.toolCallId, name: chunk.toolName, input: "" });
      break;
    case "tool-input-delta":
      grow(tool(), "input", chunk.inputTextDelta);
      break;
    case "tool-input-available":
    case "tool-input-error": {
      const input = typeof chunk.input === "string" ? chunk.input : JSON.stringify(chunk.input, null, 2);
      const known = tool();
      if (known) known.input = input;
      else parts.push({ type: "tool", toolCallId: chunk.toolCallId, name: chunk.toolName, input });
      break;
    }
    case "tool-output-available":
      told(tool(), typeof chunk.output === "string" ? chunk.output : JSON.stringify(chunk.output, null, 2));
      break;
    case "tool-output-error":
      told(tool(), chunk.errorText);
      break;
    case "source-url":
      parts.push({ type: "source", url: chunk.url, title: chunk.title });
      break;
    case "file":
      parts.push({ type: "file", url: chunk.url, mediaType: chunk.mediaType });
      break;
    case "error":
      message.error = chunk.errorText;
      break;
    case "abort":
      message.stopped = true;
      break;
    case "finish":
      message.finishReason = chunk.finishReason;
      break;
  }
}
