"""`openai` of PyPI with the relay as its base URL."""

import asyncio
import json
import os
import subprocess
import threading
import time
import unittest
import urllib.request

import openai

STORY = 'Once upon a time, a stream left its mountain 😀 and found the sea.\nIt never ended: "bytes".'


def setUpModule():
    global server, url
    server = subprocess.Popen([os.environ["WEB_SERVER"]], stdout=subprocess.PIPE, text=True)
    url = server.stdout.readline().strip().removeprefix("listening on ")


def tearDownModule():
    server.kill()
    server.wait()
    server.stdout.close()


def client(prefix="api", **more):
    return openai.OpenAI(base_url=f"{url}/{prefix}/v1", api_key="sk-of-the-client", max_retries=0, **more)


def open_gate(name):
    urllib.request.urlopen(urllib.request.Request(f"{url}/control/open/{name}", method="POST")).close()


def chat(text):
    return {"model": "gpt-4.1", "messages": [{"role": "user", "content": text}]}


def response(text):
    return {"model": "gpt-4.1", "input": text}


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


class Chat(unittest.TestCase):
    def test_streamed_and_not(self):
        chunks = list(client().chat.completions.create(**chat("story"), stream=True))
        self.assertEqual(text_of(chunks), STORY)
        self.assertEqual([c.choices[0].finish_reason for c in chunks if c.choices][-1], "stop")
        whole = client().chat.completions.create(**chat("story"))
        self.assertEqual((whole.choices[0].message.content, whole.usage.total_tokens), (STORY, 21))

    def test_async(self):
        async def ask():
            asked = openai.AsyncOpenAI(base_url=f"{url}/api/v1", api_key="k", max_retries=0)
            stream = await asked.chat.completions.create(**chat("story"), stream=True)
            return [chunk async for chunk in stream]

        self.assertEqual(text_of(asyncio.run(ask())), STORY)

    def test_tools(self):
        tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
        with client().chat.completions.stream(**chat("tool"), tools=tools) as stream:
            message = stream.get_final_completion().choices[0].message
        call = message.tool_calls[0]
        self.assertEqual((call.function.name, json.loads(call.function.arguments)), ("weather", {"city": "Rome"}))
        result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
        messages = chat("tool")["messages"] + [message.to_dict(), result]
        answer = client().chat.completions.create(model="gpt-4.1", messages=messages, tools=tools)
        self.assertEqual(answer.choices[0].message.content, "It is sunny in Rome.")

    def test_errors(self):
        for stream in (True, False):
            with self.assertRaises(openai.BadRequestError) as refused:
                client().chat.completions.create(**chat("refused"), stream=stream)
            self.assertIn("The model does not take this", str(refused.exception))
        for text, message in (("fails", "The model fell over"), ("broken", "")):
            chunks = []
            with self.assertRaises(openai.APIError) as failed:
                for chunk in client().chat.completions.create(**chat(text), stream=True):
                    chunks.append(chunk)
            self.assertIn(message, str(failed.exception))
            self.assertTrue(chunks)
            with self.assertRaises(openai.InternalServerError):
                client().chat.completions.create(**chat(text))

    def test_a_silent_stream_is_kept_alive(self):
        """A comment between two events is none, though events before it have ids."""
        for index, ask in enumerate((
            lambda c, text: text_of(c.chat.completions.create(**chat(text), stream=True)),
            lambda c, text: "".join(
                e.delta
                for e in c.responses.create(**response(text), stream=True)
                if e.type == "response.output_text.delta"
            ),
        )):
            gate = f"pinged-{index}-{os.getpid()}"
            threading.Thread(target=lambda: (time.sleep(0.3), open_gate(gate))).start()
            self.assertEqual(ask(client("pinging"), f"gated {gate}"), STORY)


class Completions(unittest.TestCase):
    def test_streamed_and_not(self):
        request = {"model": "gpt-3.5-turbo-instruct", "prompt": "story"}
        chunks = client().completions.create(**request, stream=True)
        self.assertEqual("".join(c.choices[0].text for c in chunks if c.choices), STORY)
        self.assertEqual(client().completions.create(**request).choices[0].text, STORY)


class Responses(unittest.TestCase):
    def test_streamed_by_the_helper_and_not(self):
        events = list(client().responses.create(**response("story"), stream=True))
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
        self.assertEqual(events[-1].response.output_text, STORY)
        with client().responses.stream(**response("story")) as stream:
            self.assertEqual(stream.get_final_response().output_text, STORY)
        whole = client().responses.create(**response("story"))
        self.assertEqual((whole.output_text, whole.status), (STORY, "completed"))

    def test_reasoning_and_tools(self):
        with client().responses.stream(**response("reasoning")) as stream:
            self.assertEqual(stream.get_final_response().output[0].summary[0].text, "Let me think.")
        with client().responses.stream(**response("tool")) as stream:
            call = stream.get_final_response().output[0]
        self.assertEqual((call.name, json.loads(call.arguments)), ("weather", {"city": "Rome"}))
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        called = {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
        answer = client().responses.create(model="gpt-4.1", input=[{"role": "user", "content": "tool"}, called, result])
        self.assertEqual(answer.output_text, "It is sunny in Rome.")

    def test_starting_after(self):
        events = list(client().responses.create(**response("story"), stream=True))
        id = events[0].response.id
        for after in range(len(events)):
            rest = list(client().responses.retrieve(id, stream=True, starting_after=after))
            self.assertEqual(rest, events[after + 1 :])
        self.assertEqual(client().responses.retrieve(id).output_text, STORY)

    def test_cancel(self):
        stream = client().responses.create(**response(f"gated never-{os.getpid()}"), stream=True)
        first = next(stream)
        self.assertEqual(client().responses.cancel(first.response.id).status, "cancelled")
        last = list(stream)[-1]
        self.assertEqual((last.type, last.response.status), ("response.incomplete", "cancelled"))

    def test_errors(self):
        for stream in (True, False):
            with self.assertRaises(openai.BadRequestError) as refused:
                client().responses.create(**response("refused"), stream=stream)
            self.assertIn("The model does not take this", str(refused.exception))
        for text, message in (("fails", "The model fell over"), ("broken", "")):
            last = list(client().responses.create(**response(text), stream=True))[-1]
            self.assertEqual((last.type, last.response.status), ("response.failed", "failed"))
            self.assertIn(message, last.response.error.message)
        with self.assertRaises(openai.NotFoundError):
            client().responses.retrieve("resp_none")


if __name__ == "__main__":
    unittest.main()
