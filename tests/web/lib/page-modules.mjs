// The modules of the page that need no browser, as they are served: all of them in one folder.
import { cp, mkdtemp, readdir } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const page = new URL('../../../crates/actorstream-web/src/page/', import.meta.url).pathname;
const folder = await mkdtemp(join(tmpdir(), 'actorstream-page-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
for (const from of [page, join(page, 'vendor')]) {
  for (const name of await readdir(from)) {
    if (/\.js(on)?$/.test(name)) await cp(join(from, name), join(folder, name));
  }
}

export const { Blocks, MAX_ELEMENTS, MAX_STEP, WINDOW } = await import(join(folder, 'blocks.js'));
export const { MAX_BLOCK_LEVEL, MAX_COLUMNS, MAX_DEPTH } = await import(join(folder, 'markdown.js'));
export const { add, events } = await import(join(folder, 'stream.js'));
