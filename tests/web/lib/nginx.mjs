// nginx with the configuration that docs/scale-out.md shows.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './instances.mjs';
import { until } from './server.mjs';

/** The configuration, for these instances and a port of this machine without TLS. */
function configuration(instances, port) {
  const text = readFileSync(new URL('../../../docs/scale-out.md', import.meta.url), 'utf8');
  const [, shown] = text.match(/```text\n(upstream chat \{.*?)```/s);
  const hosts = instances.map(instance => new URL(instance.url).host);
  const replaced = shown
    .replace(/server 10\.0\.0\.\d:8080;/g, () => `server ${hosts.shift()};`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`);
  if (hosts.length > 0 || replaced.includes('10.0.0') || replaced.includes('443')) {
    throw new Error(`scale-out.md shows something else now:\n${replaced}`);
  }
  return replaced;
}

export async function startNginx(instances) {
  const dir = mkdtempSync(join(tmpdir(), 'actorstream-nginx-'));
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; error_log ${dir}/error.log; pid ${dir}/nginx.pid;
events {}
http {
access_log off;
${paths.map(path => `${path}_temp_path ${dir}/${path};`).join(' ')}
${configuration(instances, port)}}
`,
  );
  const path = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;
  const child = spawn('nginx', ['-p', dir, '-e', `${dir}/error.log`, '-c', join(dir, 'nginx.conf')], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  const url = `http://127.0.0.1:${port}`;
  const gone = once(child, 'exit').then(() => {
    throw new Error(`nginx ended: ${readFileSync(join(dir, 'error.log'), 'utf8')}`);
  });
  gone.catch(() => {});
  const answers = () => fetch(url).then(() => true, () => false);
  await Promise.race([until(answers, 'nginx answers'), gone]);
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
