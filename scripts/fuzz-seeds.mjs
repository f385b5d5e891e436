// First inputs for the fuzz targets, made with the package itself, so that a fresh clone has some for every target.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';

/** 97 x 61 pixels with edges, noise and an even part. */
function picture() {
  const [width, height] = [97, 61];
  const data = new Uint8Array(3 * width * height).map((_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return x < 30 ? 230 : x * y > 2000 ? (i * 7919) % 251 : 90 + ((x >> 3) % 2) * 40;
  });
  return { data, width, height, channels: 3 };
}

/** A polygon of one ring in well-known binary; `count` of them are a multipolygon. */
function polygons(count, little) {
  const bytes = [];
  const put = (size, write) => {
    const view = new DataView(new ArrayBuffer(size));
    write(view);
    bytes.push(...new Uint8Array(view.buffer));
  };
  const kind = (code) => {
    bytes.push(little ? 1 : 0);
    put(4, (view) => view.setUint32(0, code, little));
  };
  const number = (value) => put(4, (view) => view.setUint32(0, value, little));
  if (count > 1) {
    kind(6);
    number(count);
  }
  for (let i = 0; i < count; ++i) {
    kind(3);
    number(1);
    number(5);
    for (const value of [0, 0, 9, 0, 9, 9, 0, 9, 0, 0]) put(8, (view) => view.setFloat64(0, value + 20 * i, little));
  }
  return Buffer.from(bytes);
}

/** Configurations that use every word of `pixel-mamba/1` once. */
const configurations = [
  { stages: [{ dim: 8 }, { dim: 16, depth: 2, d_state: 8, d_conv: 3, expand: 1, dt_rank: 2 }] },
  {
    format: 'pixel-mamba/1',
    in_channels: 3,
    input: { mpp: 1, mean: [0.7, 0.6, 0.7], std: [0.1, 0.2, 0.1], tissue_mask: 'otsu', min_tissue: 0.1 },
    serialization: { region_size: 64, region_order: 'raster', pixel_order: 'hilbert', pad_value: [1, 1, 1] },
    stem: { patch: 2 },
    stages: [
      { dim: 8, bidirectional: 'none', divide_out: false },
      { dim: 8, bidirectional: 'v1', backward_scope: 'region', dt_rank: 'auto' },
      { dim: 12, bidirectional: 'v2', backward_scope: 'global', mlp_ratio: 2.5, pos: 'sincos2d' },
    ],
    merge: 'average2x2',
    pool: 'attention',
    head: { type: 'ordinal', outputs: 2, labels: ['low', 'middle', 'high'] },
  },
  {
    serialization: { region_size: 48, pixel_order: 'snake', region_tokens: true },
    stem: { patch: 3 },
    stages: [
      { dim: 8, scan: 'window', window: 4 },
      { dim: 8, scan: 'cross2d', d_conv: 5 },
      { dim: 8, scan: 'scan2d', bidirectional: 'none' },
    ],
    merge: 'concat1x2',
    pool: 'middle_cls',
    head: { type: 'cox', outputs: 1 },
  },
  {
    serialization: { pixel_order: 'raster' },
    stages: [{ dim: 4 }, { dim: 4 }],
    merge: 'tome',
    tome: { keep: 0.75, window: 64 },
    pool: 'last',
    head: { type: 'survival_discrete', outputs: 4 },
  },
];

/** Slides of every compression that the package writes. */
async function writeSlides({ Slide }, slide, folder) {
  for (const compression of ['jpeg', 'deflate', 'zstd', 'none']) {
    const region = { x: 100, y: 50, width: 131, height: 77 };
    await Slide.create(join(folder, `${compression}.tif`), { slide, region }, { compression, tileSize: 64 });
  }
  await Slide.create(join(folder, 'picture.ome.tif'), picture(), { compression: 'deflate', tileSize: 32 });
}

/** Nuclei with and without classes in the formats that end so. */
async function writeNuclei({ createWriter, NucleusList }, slide, folder, endings) {
  const rings = [0, 40, 80].map((x) => [x, 10, x + 9, 10, x + 12, 15, x + 9, 20, x, 20]);
  const classes = ['other', 'round', 'long'].map((name, i) => ({ name, color: [80 * i, 0, 200] }));
  for (const ending of endings) {
    for (const [prefix, types] of [
      ['plain', undefined],
      ['typed', [1, 2, 1]],
    ]) {
      const options = types === undefined ? { slide } : { slide, classes };
      const writer = await createWriter(join(folder, `${prefix}.${ending}`), options);
      await writer.write(NucleusList.fromContours(rings, { types }));
      await writer.close();
    }
  }
}

/** Streams behind the byte that chooses their codec in `codecs_fuzz`. */
async function codecStreams({ encodePng }, slide) {
  const zoom = slide.deepZoom({ tileSize: 64, overlap: 0 });
  const jpeg = await zoom.tile(zoom.levels.length - 1, 1, 1);
  return [
    ...[0, 1, 2].map((codec) => [codec, jpeg]),
    [4, deflateSync(picture().data.subarray(0, 12288))],
    [6, await encodePng(picture())],
    [7, Buffer.from([0xfd, 7, 2, 1, 2, 3, 0x80, 0, 9, 0xff, 5])],
  ].map(([codec, stream]) => Buffer.concat([Buffer.from([codec]), stream]));
}

/**
 * Makes the seeds anew; the package must be built.
 *
 * @returns the folder of each target that has any
 */
export async function makeSeeds(root) {
  const api = await import(new URL('../dist/index.js', import.meta.url).href);
  rmSync(root, { recursive: true, force: true });
  const folderOf = (name, files = []) => {
    const folder = join(root, name);
    mkdirSync(folder, { recursive: true });
    for (const [i, bytes] of files.entries()) writeFileSync(join(folder, `seed-${i}`), bytes);
    return folder;
  };
  const slides = folderOf('slides');
  const drawn = join(slides, 'drawn.tif');
  await api.synthesizeSlide(drawn, { width: 300, height: 200, seed: 1, tissue: 0.9 });
  const slide = await api.Slide.open(drawn);
  try {
    await writeSlides(api, slide, slides);
    const geometries = [polygons(1, true), polygons(1, false), polygons(3, true), polygons(2, false)];
    const stores = folderOf('annotation-stores', geometries);
    await writeNuclei(api, slide, stores, ['db']);
    const nuclei = folderOf('nuclei');
    await writeNuclei(api, slide, nuclei, ['geojson', 'geojson.gz', 'json']);
    const dicom = folderOf('dicom');
    await writeNuclei(api, slide, dicom, ['dcm']);
    const texts = configurations.map((config) => JSON.stringify(config, null, 1));
    return {
      annotation_store_fuzz: stores,
      codecs_fuzz: folderOf('codecs', await codecStreams(api, slide)),
      dicom_fuzz: dicom,
      nucleus_reader_fuzz: nuclei,
      pixel_mamba_config_fuzz: folderOf('configurations', texts),
      sakura_fuzz: stores,
      tiff_fuzz: slides,
      vendors_fuzz: slides,
    };
  } finally {
    await slide.close();
  }
}
