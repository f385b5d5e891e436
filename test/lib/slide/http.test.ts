import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { HistojetError, HoverFast, Slide, type SlideOptions, synthesizeSlide } from '../../../lib/index.js';
import { expectArgumentError, expectCode, expectSameBytes, temporaryFolder, tinyWeights } from '../support.js';
import { RangeServer } from './range-server.js';

const folder = temporaryFolder();
const path = join(folder, 'case.tif');
let bytes: Buffer;

beforeAll(async () => {
  await synthesizeSlide(path, { width: 3001, height: 2003, seed: 5, tissue: 0.8 });
  bytes = await readFile(path);
});

/** What `promise` rejects with. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: Error) => error,
  );
}

async function opened(server: RangeServer, options?: SlideOptions): Promise<Slide> {
  return Slide.open(server.url, options);
}

const corner = { x: 1500, y: 1000, width: 700, height: 500 };

test('a slide over HTTP is the local slide, in few requests', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  await using remote = await opened(server);
  const opening = server.requests.length;
  expect(opening).toBeLessThanOrEqual(2 + local.levels.length);
  const { headers } = server.requests[0] as (typeof server.requests)[number];
  expect(headers).toMatchObject({ range: 'bytes=0-65535', 'accept-encoding': 'identity' });
  expect(server.requests[1]?.headers['if-range']).toBe('"one"');
  expect(remote.path).toBe(server.url);
  for (const name of ['format', 'width', 'height', 'levels', 'mpp', 'properties', 'bounds', 'warnings'] as const) {
    expect(remote[name], name).toEqual(local[name]);
  }
  expectSameBytes((await remote.readRegion(corner)).data, (await local.readRegion(corner)).data);
  expect(server.requests.length - opening).toBeLessThanOrEqual(6);
  const before = server.requests.length;
  await remote.readRegion({ ...corner, x: corner.x + 100, width: 300 });
  expect(server.requests.length).toBe(before);
  const whole = { x: -10, y: -20, width: 3050, height: 2050 };
  expectSameBytes((await remote.readRegion(whole)).data, (await local.readRegion(whole)).data);
  for (const level of local.levels.keys()) {
    const part = { x: 64, y: 64, width: 333, height: 222, level, channels: 4 } as const;
    expectSameBytes((await remote.readRegion(part)).data, (await local.readRegion(part)).data);
  }
  const blended = { ...corner, level: 1, resample: 'bilinear', x: 1501 } as const;
  expectSameBytes((await remote.readRegion(blended)).data, (await local.readRegion(blended)).data);
  const scaled = { x: 100.5, y: 80, width: 320, height: 200, mpp: 0.7 };
  expectSameBytes((await remote.readAt(scaled)).data, (await local.readAt(scaled)).data);
  expect(await remote.fingerprint()).toBe(await local.fingerprint());
  expect((await remote.tissueMask()).data).toEqual((await local.tissueMask()).data);
  // Nothing is fetched twice: the blocks of this slide fit the cache.
  expect(server.bytesAsked).toBeLessThan(1.2 * bytes.length + 65536);
});

test('tiles come in order, their bytes in few requests side by side', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  await using remote = await opened(server);
  server.delayMs = 30;
  const opening = server.requests.length;
  const expected = local.tiles({ size: 256, mpp: 0.3 })[Symbol.asyncIterator]();
  let count = 0;
  for await (const { x, y, image } of remote.tiles({ size: 256, mpp: 0.3 })) {
    const { value } = await expected.next();
    expect({ x, y }).toEqual({ x: value?.x, y: value?.y });
    expectSameBytes(image.data, (value as { image: { data: Uint8Array } }).image.data);
    ++count;
  }
  expect((await expected.next()).done).toBe(true);
  expect(server.requests.length - opening).toBeLessThan(count);
  expect(server.atOnce.most).toBeGreaterThan(1);
  expect(server.atOnce.most).toBeLessThanOrEqual(6);
  server.requests.length = 0;
  for await (const _ of remote.tiles({ size: 64, level: 0 })) break;
});

test('the windows of a batch share requests', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  const positions = Array.from({ length: 70 }, (_, i) => ({ x: (i % 10) * 300, y: Math.floor(i / 10) * 280 }));
  for (const scale of [{}, { level: 1 }, { mpp: 0.25 }, { mpp: 0.4 }]) {
    await using remote = await opened(server);
    const opening = server.requests.length;
    const request = { positions, width: 64, height: 64, ...scale };
    const expected = await (await local.readBatch(request)).data();
    expectSameBytes((await (await remote.readBatch(request)).data()) as Uint8Array, expected as Uint8Array);
    expect(server.requests.length - opening).toBeLessThanOrEqual(4); // window by window: 25 at full resolution
  }
});

test('the windows of a run share requests', async () => {
  await using server = await RangeServer.start(bytes);
  await using model = await HoverFast.load(tinyWeights);
  await using remote = await opened(server);
  const opening = server.requests.length;
  // The first and the third window of the upper row: what lies between them is fetched along, so that rows join.
  const tissue = { width: 3, height: 2, downsample: 1024, data: new Uint8Array([1, 0, 1, 0, 0, 0]) };
  let windows = 0;
  const run = model.segmentSlide(remote, { tissue, onProgress: ({ done }) => (windows = done) });
  for await (const _ of run);
  expect(windows).toBe(2);
  expect(server.requests.length - opening).toBeLessThanOrEqual(2); // window by window: 6
});

test('servers without ranges are refused before their body comes', async () => {
  await using server = await RangeServer.start(bytes);
  let sent = 0;
  server.misbehave = (_, response) => {
    response.writeHead(200, { 'content-length': String(1e12) });
    const more = (): void => {
      if (response.destroyed) return;
      sent += 65536;
      if (response.write(Buffer.alloc(65536))) setImmediate(more);
      else response.once('drain', more);
    };
    more();
    return true;
  };
  await expectCode(opened(server), 'HISTOJET_IO', /does not give out ranges.*download the file/);
  await expect.poll(() => server.atOnce.now).toBe(0);
  expect(sent).toBeLessThan(64e6);
});

test('statuses become typed errors', async () => {
  await using server = await RangeServer.start(bytes);
  const cases: readonly (readonly [number, RegExp, number])[] = [
    [404, /^cannot read http:\/\/127\.0\.0\.1:\d+\/slides\/case\.tif: not found \(HTTP 404\)/, 1],
    [403, /access denied \(HTTP 403\).*`headers`/, 1],
    [418, /HTTP 418/, 1],
    [503, /HTTP 503 \(4 times\)/, 4],
  ];
  for (const [status, message, requests] of cases) {
    server.requests.length = 0;
    server.misbehave = (_, response) => {
      response.writeHead(status, { 'retry-after': '0' }).end('some page');
      return true;
    };
    await expectCode(opened(server), 'HISTOJET_IO', message);
    expect(server.requests.length).toBe(requests);
  }
});

test('a server that fails for a moment is asked again', async () => {
  await using server = await RangeServer.start(bytes);
  server.misbehave = (_, response, number) => {
    if (number % 2 === 0) return false;
    response.writeHead(number % 4 === 1 ? 503 : 429).end();
    return true;
  };
  await using slide = await opened(server);
  await using local = await Slide.open(path);
  expectSameBytes((await slide.readRegion(corner)).data, (await local.readRegion(corner)).data);
});

test('hosts that do not exist or refuse give their reason', async () => {
  const server = await RangeServer.start(bytes);
  const { url } = server;
  await server[Symbol.asyncDispose]();
  const error = await failure(Slide.open(url));
  expect(error).toMatchObject({ code: 'HISTOJET_IO', message: expect.stringContaining('ECONNREFUSED') });
  expect(error.cause).toBeInstanceOf(Error);
  await expectCode(Slide.open('http://no-such-host.invalid/x.tif'), 'HISTOJET_IO', /no-such-host|ENOTFOUND|EAI_AGAIN/);
});

test('what is no slide is refused as locally', async () => {
  await using text = await RangeServer.start(Buffer.from('hello'));
  await expectCode(opened(text), 'HISTOJET_UNSUPPORTED_FORMAT', /127\.0\.0\.1/);
  await using empty = await RangeServer.start(Buffer.alloc(0));
  await expectCode(opened(empty), 'HISTOJET_UNSUPPORTED_FORMAT', /empty/);
  await using cut = await RangeServer.start(bytes.subarray(0, 3000));
  await expectCode(opened(cut), 'HISTOJET_CORRUPT_FILE');
});

test('formats of several files say that they cannot come over HTTP', async () => {
  await using server = await RangeServer.start(Buffer.alloc(2000));
  await expectCode(
    Slide.open(`${server.origin}/case.mrxs`),
    'HISTOJET_UNSUPPORTED_FORMAT',
    /MIRAX.*several files.*download/,
  );
});

test('arguments are checked before anything is asked', async () => {
  await using server = await RangeServer.start(bytes);
  const wrong = (options: unknown): Promise<Slide> => opened(server, options as SlideOptions);
  await expectArgumentError(wrong({ timeoutMs: 0 }), RangeError, /timeoutMs/);
  await expectArgumentError(wrong({ headers: 3 }), TypeError, /headers/);
  await expectArgumentError(wrong({ headers: { 'bad name': 'x' } }), TypeError, /bad name/);
  await expectArgumentError(wrong({ headers: { authorization: 'secret\n' + 'x' } }), TypeError, /^(?!.*secret)/);
  await expectArgumentError(Slide.open('http://'), TypeError, /path/);
  expect(server.requests).toEqual([]);
});

test('credentials travel in headers and nowhere else', async () => {
  await using server = await RangeServer.start(bytes);
  const address = server.url.replace('http://', 'http://user:pass%20word@').concat('?signature=secret#part');
  await using slide = await Slide.open(address, { headers: { 'X-Key': 'value' } });
  expect(server.requests[0]?.headers).toMatchObject({
    authorization: `Basic ${Buffer.from('user:pass word').toString('base64')}`,
    'x-key': 'value',
  });
  expect(server.requests[0]?.url).toBe('/slides/case.tif?signature=secret');
  expect(slide.path).toBe(`${server.url}?signature=secret`);
  server.misbehave = (_, response) => {
    response.writeHead(403).end();
    return true;
  };
  const { message } = await failure(slide.readRegion(corner));
  expect(message).toContain(server.url);
  expect(message).not.toMatch(/secret|pass|value|dXNlc/);
});

test('redirects are followed, with credentials to the same origin only', async () => {
  await using server = await RangeServer.start(bytes);
  await using other = await RangeServer.start(bytes);
  server.misbehave = ({ url }, response) => {
    if (url !== '/slides/case.tif') return false;
    response.writeHead(302, { location: '/moved' }).end();
    return true;
  };
  const headers = { authorization: 'Bearer token', 'x-key': 'value' };
  await using near = await opened(server, { headers });
  expect(server.requests[1]).toMatchObject({ url: '/moved', headers });
  expect(near.path).toBe(server.url);
  server.misbehave = (_, response) => {
    response.writeHead(307, { location: other.url }).end();
    return true;
  };
  await using far = await opened(server, { headers });
  await far.readRegion(corner);
  for (const request of other.requests) {
    expect(request.headers.authorization).toBeUndefined();
    expect(request.headers['x-key']).toBeUndefined();
  }
  server.misbehave = (_, response) => {
    response.writeHead(302, { location: server.url }).end();
    return true;
  };
  await expectCode(opened(server), 'HISTOJET_IO', /more than 10 redirects/);
  server.misbehave = (_, response) => {
    response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    return true;
  };
  await expectCode(opened(server), 'HISTOJET_IO', /neither http nor https/);
});

test('a file that changes is noticed, by size, ETag or date', async () => {
  await using server = await RangeServer.start(bytes);
  await using slide = await opened(server);
  server.etag = '"two"';
  await expectCode(slide.readRegion(corner), 'HISTOJET_IO', /changed while it was read \(it has another ETag\)/);
  server.etag = '"one"';
  server.bytes = bytes.subarray(0, bytes.length - 1);
  await expectCode(slide.readRegion(corner), 'HISTOJET_IO', /changed while it was read \(from \d+ to \d+ bytes\)/);
  server.bytes = bytes.subarray(0, 10);
  await expectCode(slide.readRegion(corner), 'HISTOJET_IO', /changed while it was read/);
  server.bytes = bytes;
  server.misbehave = (_, response) => {
    response.writeHead(200, { etag: '"three"', 'content-length': String(bytes.length) }).end(); // If-Range did not hold
    return true;
  };
  await expectCode(slide.readRegion(corner), 'HISTOJET_IO', /changed while it was read \(it has another ETag\)/);
  server.misbehave = undefined;
  await slide.readRegion(corner);
});

test('answers that do not fit the question are refused', async () => {
  await using server = await RangeServer.start(bytes);
  await using slide = await opened(server);
  const answers: readonly (readonly [Record<string, string>, Buffer, RegExp])[] = [
    [{ 'content-range': `bytes 0-9/${bytes.length}` }, Buffer.alloc(10), /answers the range \d+-\d+ with 0-9/],
    [{ 'content-type': 'multipart/byteranges; boundary=x' }, Buffer.from('--x'), /Content-Range/],
    [{ 'content-encoding': 'gzip' }, Buffer.alloc(10), /compresses|connection failed/],
  ];
  for (const [headers, body, message] of answers) {
    server.misbehave = (seen, response) => {
      const right =
        'content-encoding' in headers ? { 'content-range': server.rangeHeaders(seen)['content-range'] } : {};
      response.writeHead(206, { ...right, ...headers }).end(body);
      return true;
    };
    await expectCode(slide.readRegion(corner), 'HISTOJET_IO', message);
  }
  server.misbehave = (seen, response) => {
    const { 'content-length': _, ...headers } = server.rangeHeaders(seen);
    response.writeHead(206, headers).end(Buffer.concat([server.part(seen), Buffer.alloc(1)]));
    return true;
  };
  await expectCode(slide.readRegion(corner), 'HISTOJET_IO', /more bytes came than/);
});

test('dropped connections are resumed where they broke', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  await using slide = await opened(server);
  server.requests.length = 0;
  server.misbehave = (seen, response, number) => {
    if (number % 2 === 0) return false;
    response.writeHead(206, server.rangeHeaders(seen));
    response.write(server.part(seen).subarray(0, 20_000), () => setTimeout(() => response.destroy(), 20));
    return true;
  };
  expectSameBytes((await slide.readRegion(corner)).data, (await local.readRegion(corner)).data);
  const [broken] = server.requests;
  const resumed = server.requests.find(({ first }) => first === (broken?.first ?? 0) + 20_000);
  expect(resumed?.last).toBe(broken?.last);
});

test('connections that always drop end in a typed error with its cause', async () => {
  await using server = await RangeServer.start(bytes);
  await using slide = await opened(server);
  server.misbehave = (seen, response) => {
    response.writeHead(206, server.rangeHeaders(seen));
    response.write(server.part(seen).subarray(0, 100), () => response.destroy());
    return true;
  };
  const error = await failure(slide.readRegion(corner));
  expect(error).toBeInstanceOf(HistojetError);
  expect(error).toMatchObject({
    code: 'HISTOJET_IO',
    message: expect.stringMatching(/connection failed.*\(4 times\)/),
  });
  expect((error.cause as Error).message).toMatch(/terminated|closed/);
  server.misbehave = undefined;
  await slide.readRegion(corner);
});

test('a server that falls silent is given up after timeoutMs, a slow one is not', async () => {
  await using server = await RangeServer.start(bytes);
  server.misbehave = () => true;
  const started = performance.now();
  await expectCode(opened(server, { timeoutMs: 300 }), 'HISTOJET_IO', /no byte came for 0\.3 s/);
  expect(performance.now() - started).toBeLessThan(3000);
  // Bytes trickle for longer than the time limit, but never pause that long.
  server.misbehave = (seen, response) => {
    const part = server.part(seen);
    response.writeHead(206, server.rangeHeaders(seen));
    for (let i = 0; i < 8; ++i) {
      const piece = part.subarray((i * part.length) >> 3, ((i + 1) * part.length) >> 3);
      setTimeout(() => (i < 7 ? response.write(piece) : response.end(piece)), 120 * i);
    }
    return true;
  };
  await using slide = await opened(server, { timeoutMs: 600 });
  expect(slide.width).toBe(3001);
});

test('aborting ends a waiting read within a second and its requests with it', async () => {
  await using server = await RangeServer.start(bytes);
  const never = new AbortController();
  server.misbehave = () => true;
  const opening = opened(server, { signal: never.signal });
  await expect.poll(() => server.requests.length).toBe(1);
  never.abort();
  await expect(opening).rejects.toBe(never.signal.reason);
  server.misbehave = undefined;
  await using slide = await opened(server);
  server.misbehave = () => true;
  const before = server.requests.length;
  const controller = new AbortController();
  const { signal } = controller;
  const reads = [
    slide.readRegion({ ...corner, signal }),
    slide.readAt({ x: 0, y: 0, width: 300, height: 300, mpp: 0.6, signal }),
    slide.fingerprint({ signal }),
    slide.tiles({ size: 300, signal })[Symbol.asyncIterator]().next(),
  ];
  await expect.poll(() => server.requests.length).toBeGreaterThan(before);
  const started = performance.now();
  controller.abort();
  for (const outcome of await Promise.allSettled(reads)) {
    expect(outcome).toEqual({ status: 'rejected', reason: signal.reason });
  }
  expect(performance.now() - started).toBeLessThan(1000);
  await expect.poll(() => server.atOnce.now).toBe(0);
  server.misbehave = undefined;
  await slide.readRegion(corner);
});

test('an aborted read does not take others along that wait for the same tile', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  await using slide = await opened(server);
  server.delayMs = 300;
  const controller = new AbortController();
  const region = { x: 2000, y: 1500, width: 50, height: 50 };
  const aborted = slide.readRegion({ ...region, signal: controller.signal });
  const kept = slide.readRegion(region);
  setTimeout(() => controller.abort(), 100);
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expectSameBytes((await kept).data, (await local.readRegion(region)).data);
});

test('closing lets a running read finish; the slide is then gone', async () => {
  await using server = await RangeServer.start(bytes);
  await using local = await Slide.open(path);
  const slide = await opened(server);
  server.delayMs = 100;
  const reading = slide.readRegion(corner);
  await slide.close();
  expectSameBytes((await reading).data, (await local.readRegion(corner)).data);
  await expectCode(slide.readRegion(corner), 'HISTOJET_DISPOSED');
});
