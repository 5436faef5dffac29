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

/** A port that nothing listens at, and that the system gives to no outgoing connection. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const socket = net.createServer();
    const isFree = await new Promise(resolve => {
      socket.once('error', () => resolve(false));
      socket.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise(resolve => socket.close(resolve));
    return port;
  }
}

/**
 * A Redis on a port of its own, with nothing on the disk when it is stopped. Further options are those of redis-server.
 * `kill` ends it, and `restart` starts it again at the same port, empty.
 */
export async function startRedis(...options) {
  // Another process may take the port first; then Redis ends.
  for (let tries = 0; tries < 10; tries++) {
    const dir = mkdtempSync(join(tmpdir(), 'actorstream-redis-'));
    const port = await freePort();
    const start = () => redisServer(dir, port, options);
    let kill = await start();
    const redis = {
      url: `redis://127.0.0.1:${port}`,
      kill: () => kill?.(),
      restart: async () => {
        kill = await start();
        if (!kill) throw new Error('redis-server does not come back');
      },
      stop: async () => {
        await kill?.();
        rmSync(dir, { recursive: true, force: true });
      },
    };
    if (kill) return redis;
    await redis.stop();
  }
  throw new Error('redis-server does not start');
}

/** Starts redis-server, and gives what kills it; nothing if it has ended by itself. */
async function redisServer(dir, port, more) {
  const socket = join(dir, 'socket');
  rmSync(socket, { force: true });
  const options = ['--port', port, '--bind', '127.0.0.1', '--unixsocket', socket];
  options.push('--dir', dir, '--save', '', '--appendonly', 'no', ...more);
  const child = spawn('redis-server', options.map(String), { stdio: 'ignore' });
  const gone = once(child, 'exit');
  // Nobody else answers at its socket.
  const answers = () =>
    new Promise(resolve => {
      const client = net.connect(socket, () => client.write('PING\r\n'));
      client.on('data', () => resolve(true) ?? client.destroy());
      client.on('error', () => resolve(false));
    });
  const started = until(answers, 'Redis answers').then(() => true);
  started.catch(() => {});
  if (!(await Promise.race([started, gone.then(() => false)]))) return undefined;
  return async () => {
    child.kill('SIGKILL');
    await gone;
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

/** An instance; it is a process of its own. Its log, where `--log` asks for one, is in `log`. */
export async function startInstance(redis, upstream, ...more) {
  const binary = process.env.ACTORSTREAM;
  if (!binary) throw new Error('ACTORSTREAM must name the program actorstream; tests/web/run.sh sets it');
  const options = ['serve', '--port', '0', '--redis', redis.url, '--base-url', upstream.url, '--api-key', 'k', ...more];
  const child = spawn(binary, options, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  createInterface(child.stdout).on('line', line => log.push(line));
  const lines = createInterface(child.stderr);
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the instance ended: ${code ?? signal}`);
  });
  gone.catch(() => {});
  const [line] = await Promise.race([once(lines, 'line'), gone]);
  if (!line.startsWith('listening on ')) throw new Error(line);
  return {
    url: line.replace('listening on ', ''),
    log,
    signal: signal => child.kill(signal),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    },
  };
}
