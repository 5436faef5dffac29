import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { useEffect, useState } from "react";

const kept = (id) => JSON.parse(sessionStorage.getItem(id) ?? "[]");

export function App({ id }) {
  const [input, setInput] = useState("");
  // As it was when the page was loaded.
  const [before] = useState(() => kept(id));
  const chat = useChat({
    id,
    messages: before,
    // An answer that is being made goes on after a reload.
    resume: before.at(-1)?.role === "user",
    transport: new DefaultChatTransport({ api: "/api/chat" }),
  });
  const { messages, status, error, sendMessage, regenerate } = chat;
  const busy = status === "submitted" || status === "streaming";

  useEffect(() => {
    const whole = busy && messages.at(-1)?.role === "assistant" ? messages.slice(0, -1) : messages;
    sessionStorage.setItem(id, JSON.stringify(whole));
  }, [id, messages, busy]);

  function submit(event) {
    event.preventDefault();
    if (!input.trim() || busy) return;
    sendMessage({ text: input });
    setInput("");
  }

  // `stop` of the SDK only stops reading. The relay is told to stop the answer, and then tells every viewer.
  function stopAnswer() {
    fetch(`/api/chat/${encodeURIComponent(id)}/stop`, { method: "POST" });
  }

  return (
    <>
      <ol>
        {messages.map((message) => (
          <li key={message.id} className={message.role}>
            {message.parts.map((part, index) => (
              <Part key={index} part={part} />
            ))}
          </li>
        ))}
      </ol>
      {error && (
        <p role="alert">
          {error.message} <button onClick={() => regenerate()}>Try again</button>
        </p>
      )}
      <form onSubmit={submit}>
        <input
          value={input}
          onChange={(event) => setInput(event.target.value)}
          placeholder="Your message"
          aria-label="Your message"
        />
        {busy ? (
          <button type="button" onClick={stopAnswer}>
            Stop
          </button>
        ) : (
          <button>Send</button>
        )}
      </form>
    </>
  );
}

function Part({ part }) {
  if (part.type === "text") return <p>{part.text}</p>;
  if (part.type === "reasoning") return <p className="reasoning">{part.text}</p>;
  if (part.type === "dynamic-tool" || part.type.startsWith("tool-")) {
    return <pre>{JSON.stringify({ input: part.input, output: part.output }, null, 2)}</pre>;
  }
  if (part.type === "source-url") return <a href={part.url}>{part.title ?? part.url}</a>;
  return null;
}
