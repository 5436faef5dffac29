// Several instances of `actorstream serve` on one Redis, and their upstream.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './server.mjs';

/** A port that nothing listens at. */
export async function freePort() {
  const socket = net.createServer();
  await new Promise(resolve => socket.listen(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  await new Promise(resolve => socket.close(resolve));
  return port;
}

/** A Redis on a port of its own, with nothing on the disk when it is stopped. */
export async function startRedis() {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'actorstream-redis-'));
  const options = ['--port', port, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', options.map(String), { stdio: 'ignore' });
  const answers = () =>
    new Promise(resolve => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true) ?? socket.destroy());
      socket.on('error', () => resolve(false));
    });
  await until(answers, 'Redis answers');
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The words of an answer. */
export const words = count => Array.from({ length: count }, (_, index) => `word${index} `);

/**
 * An upstream that answers `long N` with N words, as fast as they are taken, and `slow N` with a pause after each. It
 * tells how many answers it has begun, and how many of its connections are open.
 */
export async function startUpstream() {
  let asked = 0;
  let open = 0;
  const server = http.createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    const content = JSON.parse(body).messages.findLast(message => message.role === 'user').content;
    const text = typeof content === 'string' ? content : content.map(part => part.text).join('');
    const [what, count] = text.split(' ');
    asked += 1;
    open += 1;
    const closed = new Promise(resolve => response.on('close', resolve));
    closed.then(() => (open -= 1));
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = (delta, finish_reason) =>
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
    for (const word of words(Number(count))) {
      if (response.destroyed) return;
      if (!response.write(chunk({ content: word }, null))) {
        await Promise.race([new Promise(resolve => response.once('drain', resolve)), closed]);
      }
      if (what === 'slow') await new Promise(resolve => setTimeout(resolve, 10));
    }
    response.end(`${chunk({}, 'stop')}data: [DONE]\n\n`);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    asked: () => asked,
    open: () => open,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** An instance; it is a process of its own. */
export async function startInstance(redis, upstream, ...more) {
  const binary = process.env.ACTORSTREAM;
  if (!binary) throw new Error('ACTORSTREAM must name the program actorstream; tests/web/run.sh sets it');
  const options = ['serve', '--port', '0', '--redis', redis.url, '--base-url', upstream.url, '--api-key', 'k', ...more];
  const child = spawn(binary, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface(child.stderr);
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the instance ended: ${code ?? signal}`);
  });
  gone.catch(() => {});
  const [line] = await Promise.race([once(lines, 'line'), gone]);
  if (!line.startsWith('listening on ')) throw new Error(line);
  return {
    url: line.replace('listening on ', ''),
    signal: signal => child.kill(signal),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}
