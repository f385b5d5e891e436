import { setImmediate } from 'node:timers/promises';
import { HistojetError } from '../errors.js';
import { type Handle, native } from '../native.js';
import type { ArrayCopyHandle } from './native-array-copy.js';

/**
 * Arrays up to this size are copied at once when a call begins; larger ones in pieces of this size, between which the
 * event loop goes on. A piece takes some tenths of a millisecond.
 */
const pieceBytes = 2 ** 20;

/** Whether an array is copied in pieces. */
export function isLarge(data: ArrayBufferView): boolean {
  return data.byteLength > pieceBytes;
}

let lastTurn: Promise<unknown> = Promise.resolve();

/** A turn of the event loop that no other copy uses. */
function nextTurn(): Promise<unknown> {
  lastTurn = lastTurn.then(() => setImmediate());
  return lastTurn;
}

/**
 * Fills a copy.
 *
 * @param size - bytes of the array when the call began
 * @throws HistojetError HISTOJET_INVALID_ARGUMENT when the array has another size by now
 */
export async function fillCopy(
  name: string,
  copy: ArrayCopyHandle,
  data: ArrayBufferView,
  size: number,
): Promise<void> {
  for (let start = 0; start < size; start += pieceBytes) {
    await nextTurn();
    if (data.byteLength !== size) {
      const message = `${name}: expected ${size} bytes, got ${data.byteLength} (was it transferred during the call?)`;
      throw new HistojetError('HISTOJET_INVALID_ARGUMENT', message);
    }
    const count = Math.min(pieceBytes, size - start);
    native.copyAppend(copy, new Uint8Array(data.buffer, data.byteOffset + start, count));
  }
}

/**
 * Runs `job` on handles that stay open until it has begun, whatever the caller closes while its arrays are copied.
 *
 * @param handles - models and tensors of the call
 */
export async function withShared<Result>(
  handles: readonly Handle<string>[],
  job: (handles: readonly Handle<string>[]) => Promise<Result>,
): Promise<Result> {
  const shared: Handle<string>[] = [];
  try {
    for (const handle of handles) shared.push(native.share(handle));
    return await job(shared);
  } finally {
    for (const handle of shared) native.letGo(handle);
  }
}

/** Pixels that a native call takes. */
interface Pixels {
  readonly data: Uint8Array;
}
/** The same with large pixels as a copy that is full. */
type Copied<Picture extends Pixels> = Omit<Picture, 'data'> & { readonly data: Uint8Array | ArrayCopyHandle };

async function copyPictures<Picture extends Pixels>(pictures: readonly Picture[]): Promise<Copied<Picture>[]> {
  const begun = pictures.map((picture) => {
    const large = isLarge(picture.data);
    return { picture, data: large ? picture.data : picture.data.slice(), large, size: picture.data.byteLength };
  });
  const copies: Copied<Picture>[] = [];
  for (const [i, { picture, data, large, size }] of begun.entries()) {
    if (!large) {
      copies.push({ ...picture, data });
      continue;
    }
    const copy = await native.copyOpen(size);
    await fillCopy(begun.length === 1 ? 'image.data' : `images[${i}].data`, copy, data, size);
    copies.push({ ...picture, data: copy });
  }
  return copies;
}

/**
 * Runs a native call that takes pictures. Where all are small it begins, and copies them, at once; else when copies have
 * been made between turns of the event loop.
 *
 * @param owners - models that the call uses; the job gets handles that stay open
 */
export function withPictures<Owners extends readonly Handle<string>[] | [], Picture extends Pixels, Result>(
  owners: Owners,
  pictures: readonly Picture[],
  job: (pictures: readonly Copied<Picture>[], ...owners: Owners) => Promise<Result>,
): Promise<Result> {
  if (!pictures.some(({ data }) => isLarge(data))) return job(pictures, ...owners);
  return withShared(owners, async (shared) => job(await copyPictures(pictures), ...(shared as unknown as Owners)));
}

/** {@link withPictures} for one picture and no model. */
export function withPicture<Picture extends Pixels, Result>(
  picture: Picture,
  job: (picture: Copied<Picture>) => Promise<Result>,
): Promise<Result> {
  return withPictures([], [picture], ([copied]) => job(copied as Copied<Picture>));
}
