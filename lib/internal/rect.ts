import { typeError } from '../errors.js';
import * as validate from './validate.js';

/** A rectangle; for slides in level-0 pixels. */
export interface Rect {
  /** Left edge. */
  readonly x: number;
  /** Upper edge. */
  readonly y: number;
  /** Size to the right, at least 1. */
  readonly width: number;
  /** Size downwards, at least 1. */
  readonly height: number;
}

/** Checks a rectangle of whole numbers. */
export function checkRect(name: string, value: Rect): Rect {
  if (typeof value !== 'object' || value === null) {
    throw typeError(`${name}: expected { x, y, width, height }, got ${validate.kindOf(value)}`);
  }
  return {
    x: validate.integer(`${name}.x`, value.x),
    y: validate.integer(`${name}.y`, value.y),
    width: validate.integer(`${name}.width`, value.width, 1),
    height: validate.integer(`${name}.height`, value.height, 1),
  };
}
