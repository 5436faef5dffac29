// A network that breaks.
import net from 'node:net';

/**
 * A proxy that cuts each of its first connections after some bytes of the answer, in the middle of whatever comes. Of
 * several targets the connections go to each in turn.
 */
export async function cuttingProxy(targets, cuts) {
  const all = [targets].flat();
  let drops = 0;
  let connections = 0;
  const proxy = net.createServer(client => {
    const target = all[connections++ % all.length];
    const upstream = net.connect(Number(target.port), target.hostname);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    let left = drops < cuts.length ? cuts[drops] : Infinity;
    client.on('error', end).on('close', end);
    upstream.on('error', end).on('close', () => client.end());
    client.pipe(upstream);
    upstream.on('data', bytes => {
      if (client.destroyed) return;
      client.write(bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) {
        drops += 1;
        client.resetAndDestroy();
        upstream.destroy();
      }
    });
  });
  await new Promise(resolve => proxy.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${proxy.address().port}`, drops: () => drops, stop: () => proxy.close() };
}
