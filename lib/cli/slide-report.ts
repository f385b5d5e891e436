import type { Rect } from '../internal/rect.js';
import type { SlideLevel, SlideMpp } from '../slide/slide-types.js';
import { grouped, table } from './terminal.js';

/** What `histojet info --json` prints; the members are part of the public interface. */
export interface SlideReport {
  readonly path: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly levels: readonly SlideLevel[];
  readonly mpp: SlideMpp | null;
  readonly objectivePower: number | null;
  readonly bounds: Rect;
  readonly properties: Readonly<Record<string, string>>;
  readonly associatedImages: readonly string[];
  readonly warnings: readonly string[];
}

/** The members of a slide that the report shows. */
export function slideReport(slide: SlideReport): SlideReport {
  const { path, format, width, height, levels, mpp, objectivePower, bounds } = slide;
  const { properties, associatedImages, warnings } = slide;
  return {
    path,
    format,
    width,
    height,
    levels,
    mpp,
    objectivePower,
    bounds,
    properties,
    associatedImages,
    warnings,
  };
}

/** Six digits are more than any scanner knows. */
function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function resolution(mpp: SlideMpp | null): string {
  if (mpp === null) return 'unknown';
  const { x, y, source } = mpp;
  const sides = x === y ? shortNumber(x) : `${shortNumber(x)} x ${shortNumber(y)}`;
  return `${sides} µm per pixel (${source})`;
}

function millimetres({ width, height, mpp }: SlideReport): string {
  if (mpp === null) return '';
  return `, ${((width * mpp.x) / 1000).toFixed(2)} x ${((height * mpp.y) / 1000).toFixed(2)} mm`;
}

/** Property values can be whole XML documents. */
function oneLine(value: string): string {
  const line = value.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 97)}...` : line;
}

/** The report for people. */
export function describeSlide(report: SlideReport): string {
  const { bounds, width, height } = report;
  const whole = bounds.x === 0 && bounds.y === 0 && bounds.width === width && bounds.height === height;
  const rows: [string, string][] = [
    ['format', report.format],
    ['size', `${grouped(width)} x ${grouped(height)} px${millimetres(report)}`],
    ['resolution', resolution(report.mpp)],
    ['objective', report.objectivePower === null ? 'unknown' : `${shortNumber(report.objectivePower)}x`],
  ];
  if (!whole) rows.push(['scanned part', `${bounds.x}, ${bounds.y}, ${bounds.width} x ${bounds.height} px`]);
  if (report.associatedImages.length > 0) rows.push(['images', report.associatedImages.join(', ')]);
  const levels = report.levels.map((level, i): [string, string] => [
    String(i),
    `${grouped(level.width)} x ${grouped(level.height)} px, 1:${shortNumber(level.downsample)}, ` +
      `tiles of ${level.tileWidth} x ${level.tileHeight}`,
  ]);
  const properties = Object.entries(report.properties).map(([name, value]): [string, string] => [name, oneLine(value)]);
  const sections = [`${report.path}\n${table(rows)}`, `levels\n${table(levels)}`];
  if (properties.length > 0) sections.push(`properties\n${table(properties)}`);
  if (report.warnings.length > 0) sections.push(`warnings\n${report.warnings.map((text) => `  ${text}\n`).join('')}`);
  return sections.join('\n');
}
