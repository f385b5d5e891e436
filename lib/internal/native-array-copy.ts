import type { Handle, TensorHandle } from '../native.js';

export type ArrayCopyHandle = Handle<'array-copy'>;

/** The calls of native/binding/array_copy_functions.cpp. */
export interface NativeArrayCopies {
  copyOpen(bytes: number): Promise<ArrayCopyHandle>;
  copyOpenTensor(dtype: string, shape: readonly number[]): Promise<ArrayCopyHandle>;
  copyAppend(copy: ArrayCopyHandle, piece: Uint8Array): void;
  /** Once, when the copy is full. */
  copyTensor(copy: ArrayCopyHandle): TensorHandle;
  /** Another handle of the same model or tensor, which stays when the first one closes. */
  share<Shared extends Handle<string>>(handle: Shared): Shared;
  /** Closes a shared handle. */
  letGo(handle: Handle<string>): void;
}
