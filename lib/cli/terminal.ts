/** Where text goes; `process.stdout` and `process.stderr` are such. */
export interface TextSink {
  write(text: string): unknown;
  /** True for a terminal that a person looks at. */
  readonly isTTY?: boolean;
  /** Width of that terminal in characters. */
  readonly columns?: number;
}

/** The two streams of a command; `process` is such. */
export interface Terminal {
  /** Results. */
  readonly stdout: TextSink;
  /** Progress, warnings and errors. */
  readonly stderr: TextSink;
}

/** A number with a comma at every thousand. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Bytes as people say them: `'512 B'`, `'1.5 MB'`, `'12.0 GB'`. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** Seconds as `'0:07'`, `'12:30'`, `'1:02:03'`; `'-:--'` while unknown. */
export function clock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-:--';
  const whole = Math.round(seconds);
  const pair = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours > 0 ? `${hours}:${pair(minutes)}:${pair(rest)}` : `${minutes}:${pair(rest)}`;
}

/** Rows of a name and a text, the texts below one another, each line ending in a newline. */
export function table(rows: readonly (readonly [name: string, text: string])[], indent = '  '): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows
    .map(([name, text]) => `${indent}${name.padEnd(width)}  ${text}`.trimEnd())
    .join('\n')
    .concat('\n');
}
