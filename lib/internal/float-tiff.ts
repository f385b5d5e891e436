/** One picture of a {@link floatTiff}. */
export interface FloatPlane {
  /** Name of the channel. */
  readonly name: string;
  /** Gives the [height, width] values when their turn comes, so that only one plane is in memory. */
  readonly read: () => Promise<Float32Array>;
}

/** Size and resolution of all planes. */
export interface FloatTiffOptions {
  readonly width: number;
  readonly height: number;
  /** Micrometres per pixel. */
  readonly mpp: { readonly x: number; readonly y: number };
  /** What wrote the file. */
  readonly software: string;
}

/** A tag of a directory: its values as bytes, and how many there are of which type. */
interface Tag {
  readonly id: number;
  readonly type: 2 | 3 | 4 | 5;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Strips hold about this much, so that readers need not load a plane at once. */
const stripBytes = 1 << 18;
const headerBytes = 8;

function escapeXml(text: string): string {
  const names: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write these
  return text.replaceAll(/[&<>"]/g, (found) => names[found] ?? '').replaceAll(/[\0-\x08\x0b\x0c\x0e-\x1f]/g, ' ');
}

function omeXml({ width, height, mpp, software }: FloatTiffOptions, planes: readonly FloatPlane[]): string {
  const channels = planes.map(
    ({ name }, i) => `<Channel ID="Channel:0:${i}" Name="${escapeXml(name)}" SamplesPerPixel="1"/>`,
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" ' +
    `Creator="${escapeXml(software)}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="float" ` +
    `SizeX="${width}" SizeY="${height}" SizeC="${planes.length}" SizeZ="1" SizeT="1" PhysicalSizeX="${mpp.x}" ` +
    `PhysicalSizeY="${mpp.y}" BigEndian="false">${channels.join('')}<TiffData/></Pixels></Image></OME>`
  );
}

function text(id: number, value: string): Tag {
  const bytes = new TextEncoder().encode(`${value}\0`);
  return { id, type: 2, count: bytes.length, bytes };
}

function numbers(id: number, type: 3 | 4, ...values: readonly number[]): Tag {
  const bytes = type === 3 ? Uint16Array.from(values) : Uint32Array.from(values);
  return { id, type, count: values.length, bytes: new Uint8Array(bytes.buffer) };
}

/** Pixels per centimetre as a fraction. */
function resolution(id: number, mpp: number): Tag {
  const perCm = 10_000 / mpp;
  const denominator = perCm < 4000 ? 1_000_000 : perCm < 4_000_000 ? 1000 : 1;
  const numerator = Math.min(0xffffffff, Math.max(1, Math.round(perCm * denominator)));
  return { id, type: 5, count: 1, bytes: new Uint8Array(Uint32Array.of(numerator, denominator).buffer) };
}

/** A directory at `offset` whose long values follow it. */
function directory(tags: readonly Tag[], offset: number, next: (end: number) => number): Uint8Array {
  const fixed = 2 + 12 * tags.length + 4;
  const longBytes = tags.reduce(
    (sum, { bytes }) => sum + (bytes.length > 4 ? bytes.length + (bytes.length % 2) : 0),
    0,
  );
  const out = new Uint8Array(fixed + longBytes);
  const view = new DataView(out.buffer);
  view.setUint16(0, tags.length, true);
  let free = fixed;
  for (const [i, { id, type, count, bytes }] of tags.entries()) {
    const entry = 2 + 12 * i;
    view.setUint16(entry, id, true);
    view.setUint16(entry + 2, type, true);
    view.setUint32(entry + 4, count, true);
    if (bytes.length <= 4) {
      out.set(bytes, entry + 8);
      continue;
    }
    view.setUint32(entry + 8, offset + free, true);
    out.set(bytes, free);
    free += bytes.length + (bytes.length % 2);
  }
  view.setUint32(fixed - 4, next(offset + out.length), true);
  return out;
}

/** The header and all directories; `dataStart` is where the pixels of the first plane lie. */
function directories(options: FloatTiffOptions, planes: readonly FloatPlane[], dataStart: number): Uint8Array[] {
  const { width, height, mpp, software } = options;
  const rows = Math.min(height, Math.max(1, Math.floor(stripBytes / (4 * width))));
  const strips = Math.ceil(height / rows);
  const counts = Array.from({ length: strips }, (_, i) => 4 * width * Math.min(rows, height - i * rows));
  const header = new Uint8Array(headerBytes);
  header.set([0x49, 0x49, 42, 0, headerBytes, 0, 0, 0]);
  const parts: Uint8Array[] = [header];
  let offset = headerBytes;
  for (const i of planes.keys()) {
    const start = dataStart + i * 4 * width * height;
    const tags = [
      numbers(254, 4, 0), // NewSubfileType
      numbers(256, 4, width),
      numbers(257, 4, height),
      numbers(258, 3, 32), // BitsPerSample
      numbers(259, 3, 1), // Compression: none
      numbers(262, 3, 1), // PhotometricInterpretation: BlackIsZero
      ...(i === 0 ? [text(270, omeXml(options, planes))] : []),
      numbers(273, 4, ...counts.map((_, k) => start + 4 * width * rows * k)), // StripOffsets
      numbers(277, 3, 1), // SamplesPerPixel
      numbers(278, 4, rows),
      numbers(279, 4, ...counts), // StripByteCounts
      resolution(282, mpp.x),
      resolution(283, mpp.y),
      numbers(296, 3, 3), // ResolutionUnit: centimetre
      text(305, software),
      numbers(339, 3, 3), // SampleFormat: IEEE floating point
    ];
    const made = directory(tags, offset, (end) => (i + 1 < planes.length ? end : 0));
    parts.push(made);
    offset += made.length;
  }
  return parts;
}

/**
 * The bytes of an OME-TIFF (TIFF 6.0; OME 2016-06) of float32 pictures, one channel each, uncompressed, without smaller
 * levels. All together must stay below 4 GiB.
 */
export async function* floatTiff(
  options: FloatTiffOptions,
  planes: readonly FloatPlane[],
): AsyncGenerator<Uint8Array, void> {
  // Offsets have a fixed size, so a first pass tells where the pixels begin.
  const dataStart = directories(options, planes, 0).reduce((sum, part) => sum + part.length, 0);
  yield* directories(options, planes, dataStart);
  for (const { read } of planes) {
    const values = await read();
    yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
}
