// One response, read from the relay over as many connections as necessary, until it ends or is stopped.

import * as relay from "./relay.js";
import { add, events } from "./stream.js";

/** The silence in ms after which a connection counts as lost. The relay sends something every 15 s. */
const SILENCE = 40_000;
/** How long to retry a lost connection, in ms. */
const PATIENCE = 120_000;
/** How long the message of another tab may take to arrive, in ms. */
const ON_ITS_WAY = 10_000;
/** The time in ms after which a stop takes effect here, whatever the server does. */
const STOP = 1_500;
/** How long to retry a stop while the server cannot be reached, in ms. */
const TELLING = 30_000;

/** Waits until the time is over, the network is back, or the signal is aborted. */
function pause(time, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const end = (how, reason) => {
      clearTimeout(timer);
      done.abort();
      how(reason);
    };
    const timer = setTimeout(() => end(resolve), time);
    addEventListener("online", () => end(resolve), { signal: done.signal });
    signal.addEventListener("abort", () => end(reject, signal.reason), { signal: done.signal });
    if (signal.aborted) end(reject, signal.reason);
  });
}

export class Answer {
  message = { id: "", role: "assistant", parts: [] };
  /** Whether there is no connection to the server. */
  isLost = false;
  #chat;
  #trigger;
  #page;
  #leaving = new AbortController();
  #stopping = new AbortController();
  #isOver = false;
  /** The id of the last event, with which a lost connection continues without a gap. */
  #last;

  /**
   * The response to the last message of a chat: a new one or, without a trigger, the running one. `page` has the functions
   * `messages`, which returns the messages to send; `changed`, called when there is something to show; `began`, called with
   * the position where the log of the response begins; and `isLast`, which returns whether this is the last request.
   */
  constructor(chat, trigger, page) {
    this.#chat = chat;
    this.#trigger = trigger;
    this.#page = page;
    this.#last = trigger ? null : chat.cursor;
  }

  /** Abandons the response: nothing more is read or reported. */
  leave() {
    this.#leaving.abort();
  }

  /** Reads it to its end. Returns whether there is a message to keep; there is none after {@link leave}. */
  async read() {
    try {
      await this.#readAll(AbortSignal.any([this.#leaving.signal, this.#stopping.signal]));
    } catch (error) {
      if (this.#leaving.signal.aborted) return false;
      if (!this.#stopping.signal.aborted) {
        const isRefused = error instanceof relay.Refusal;
        this.message.error = isRefused ? error.message : "The connection to the server was lost.";
        this.message.lost = !isRefused;
      }
    } finally {
      this.#isOver = true;
    }
    return true;
  }

  async #readAll(signal) {
    let tries = 0;
    let since = 0;
    while (!(await this.#readSome(signal))) {
      if (!this.isLost) {
        this.isLost = true;
        tries = 0;
        since = Date.now();
        this.#page.changed();
      }
      if (Date.now() - since > PATIENCE) throw new Error("lost");
      // The message may have arrived or not; the server detects a repetition by the message's id.
      if (this.#last) this.#trigger = null;
      tries += 1;
      await pause(Math.min(250 * 2 ** tries, 4000) * (0.75 + Math.random() / 4), signal);
    }
  }

  /** Reads from one connection. Returns whether that was the end; if not, the connection was lost. */
  async #readSome(signal) {
    const silent = new AbortController();
    let timer;
    const wake = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
    };
    try {
      const either = AbortSignal.any([signal, silent.signal]);
      const answer = await this.#request(either);
      if (answer.status === 204) {
        // Another tab's message may not have arrived yet.
        const sent = this.#chat.messages.at(-1)?.sent ?? 0;
        if (Date.now() - sent < ON_ITS_WAY) return false;
        throw new relay.Refusal("There is no answer to this message any more.");
      }
      if (!answer.ok) throw await relay.failure(answer);
      wake();
      for await (const { id, data } of events(answer.body, wake)) {
        this.isLost = false;
        if (data === "[DONE]") return true;
        if (id) {
          this.#last = id;
          this.#page.began(`${id.split(".")[0]}.0`);
        }
        add(this.message, JSON.parse(data));
        this.#page.changed();
      }
      return false;
    } catch (error) {
      if (error instanceof relay.Refusal || signal.aborted) throw error;
      return false;
    } finally {
      clearTimeout(timer);
    }
  }

  #request(signal) {
    if (!this.#trigger) return relay.resume(this.#chat.id, this.#last, signal);
    return relay.begin(this.#chat.id, this.#page.messages(), this.#trigger, signal);
  }

  /**
   * Asks the server to stop, and stops here if the server does not react. Resolves when the server has received the stop, or
   * cannot be reached; the message says which.
   */
  async stop() {
    let isTold = false;
    const here = () => {
      if (this.#isOver) return;
      this.message.stopped = isTold ? true : "here";
      this.#stopping.abort();
    };
    if (this.isLost) here();
    else setTimeout(here, STOP);
    const until = Date.now() + TELLING;
    for (let wait = 500; ; wait *= 2) {
      try {
        await relay.stop(this.#chat.id, this.#leaving.signal);
        isTold = true;
        if (this.message.stopped) this.message.stopped = true;
        return;
      } catch (error) {
        here();
        if (error instanceof relay.Refusal || this.#leaving.signal.aborted || Date.now() + wait > until) return;
      }
      await new Promise((go) => setTimeout(go, wait));
      // A later request must not be stopped instead.
      if (this.#leaving.signal.aborted || !this.#page.isLast()) return;
    }
  }
}
