// The server of the tests: relays in front of a scripted upstream.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const STORY =
  'Once upon a time, a stream left its mountain 😀 and found the sea.\nIt never ended: "bytes".';

/** Starts the server; it ends with `server.stop()`. */
export async function startServer() {
  const binary = process.env.WEB_SERVER;
  if (!binary) {
    throw new Error('WEB_SERVER must name the program web_server; tests/web/run.sh sets it');
  }
  const child = spawn(binary, { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the server ended: ${code ?? signal}`);
  });
  gone.catch(() => {});
  const line = once(createInterface(child.stdout), 'line').then(([line]) => line);
  const url = (await Promise.race([line, gone])).replace('listening on ', '');
  return {
    url,
    pid: child.pid,
    /** Opens a gate of the script. */
    open: name => fetch(`${url}/control/open/${name}`, { method: 'POST' }),
    /** How many connections upstream has, and how many requests it got. */
    upstream: async () => (await fetch(`${url}/control/upstream`)).json(),
    stop: async () => {
      if (child.signalCode ?? child.exitCode) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Waits until `condition` holds; for what happens in another process. */
export async function until(condition, what) {
  for (let tries = 0; tries < 1000; tries++) {
    if (await condition()) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error(`this did not happen: ${what ?? condition}`);
}

let number = 0;

/** A name that no other test has. */
export const fresh = name => `${name}-${process.pid}-${++number}`;
